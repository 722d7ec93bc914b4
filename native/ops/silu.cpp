// silu             y = x·g with g = 1/(1 + e⁻ˣ), from t = e^−|x|;  s = g·(1 + x(1 − g))
// tangent          ẏ = s·ẋ
// adjoint          x̄ = s·ȳ
// tangent-adjoint  (x̄)˙ = s·ȳ̇ + c·ẋ·ȳ with c = g(1 − g)·(2 + x(1 − 2g))
#include "core/instruction_sets.hpp"
#include "ops/elementary.hpp"
#include "ops/pointwise.hpp"
#include "ops/registry.hpp"

namespace eigenscape::ops {

namespace {

template <typename T>
struct Silu {
  [[gnu::always_inline]] pointwise::Value<T> operator()(T x) const {
    const auto t = elementary::exp_nonpositive(-elementary::magnitude(x));
    const T d = 1 / (1 + t.value);
    const T small = t.value * d;
    const T g = x > 0 ? d : small;
    const T rest = x > 0 ? small : d;                             // 1 − g
    const T lean = elementary::magnitude(x) * (t.minus_one * d);  // x(1 − 2g)
    return {x * g, g * (1 + x * rest), (small * d) * (2 + lean)};
  }
};

EIGENSCAPE_INSTRUCTION_SETS
void float64(const Attributes& /*attributes*/, std::span<const double> x, std::span<double> y,
             std::span<double> first, std::span<double> second) {
  pointwise::evaluate(x, y, first, second, Silu<double>{});
}

EIGENSCAPE_INSTRUCTION_SETS
void float32(const Attributes& /*attributes*/, std::span<const float> x, std::span<float> y,
             std::span<float> first, std::span<float> second) {
  pointwise::evaluate(x, y, first, second, Silu<float>{});
}

}  // namespace

const Operation silu = pointwise::make<float64, float32>("silu");

}  // namespace eigenscape::ops
