// gelu             y = x·Φ(x), Φ and φ the normal distribution and density;  s = Φ + x·φ
// tangent          ẏ = s·ẋ
// adjoint          x̄ = s·ȳ
// tangent-adjoint  (x̄)˙ = s·ȳ̇ + c·ẋ·ȳ with c = φ·(2 − x²) = φ·(√2 − |x|)·(√2 + |x|)
#include "core/instruction_sets.hpp"
#include "ops/elementary.hpp"
#include "ops/pointwise.hpp"
#include "ops/registry.hpp"

namespace eigenscape::ops {

namespace {

template <typename T>
struct Gelu {
  [[gnu::always_inline]] pointwise::Value<T> operator()(T x) const {
    using C = elementary::Constants<T>;
    const auto normal = elementary::normal(x);
    const T size = elementary::magnitude(x);
    const T a = size > C::tail_zero ? C::tail_zero : size;  // c would be 0·∞ beyond
    const T gap = (C::sqrt2_high - a) + C::sqrt2_low;
    return {x * normal.distribution, normal.distribution + x * normal.density,
            normal.density * (gap * (C::sqrt2_high + a))};
  }
};

EIGENSCAPE_INSTRUCTION_SETS
void float64(const Attributes& /*attributes*/, std::span<const double> x, std::span<double> y,
             std::span<double> first, std::span<double> second) {
  pointwise::evaluate(x, y, first, second, Gelu<double>{});
}

EIGENSCAPE_INSTRUCTION_SETS
void float32(const Attributes& /*attributes*/, std::span<const float> x, std::span<float> y,
             std::span<float> first, std::span<float> second) {
  pointwise::evaluate(x, y, first, second, Gelu<float>{});
}

}  // namespace

const Operation gelu = pointwise::make<float64, float32>("gelu");

}  // namespace eigenscape::ops
