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
    using C = elementary::Constants<T>;
    const bool positive = x > 0;
    const T bounded = x < C::exp_zero ? C::exp_zero : x;
    const T size = elementary::magnitude(x);
    const T a = size > -C::exp_zero ? -C::exp_zero : size;  // where t is 0
    const auto t = elementary::exp_nonpositive(-a);
    const T d = 1 / (1 + t.value);
    const T small_lifted = t.lifted * d;  // t/(1 + t), a factor of products that may be denormal
    const T g = positive ? d : small_lifted;
    const T rest = positive ? t.value * d : d;  // 1 − g
    const T unit = positive ? T(1) : C::lowering;
    return {bounded * g * unit, g * (1 + bounded * rest) * unit,
            small_lifted * d * (2 + a * (t.minus_one * d)) * C::lowering};
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
