// mish             y = x·g with g = tanh(log(1 + eˣ));  s = g + x·g'
//                  computed from t = e⁻ᵃ, a = |x|, without cancellation in g or 1 − g:
//                    x ≤ 0   E = 2 + 2t + t²   g = t·(2 + t)/E    g' = 4t·(1 + t)/E²
//                            g'' = 4t·(2 + 2t − 3t² − 2t³)/E³
//                    x > 0   E = 1 + 2t + 2t²  g = (1 + 2t)/E     g' = 4t²·(1 + t)/E²
//                            g'' = −4t²·(2 + 3t − 2t² − 2t³)/E³
// tangent          ẏ = s·ẋ
// adjoint          x̄ = s·ȳ
// tangent-adjoint  (x̄)˙ = s·ȳ̇ + c·ẋ·ȳ with c = 2g' + x·g''
//
// Error at most 3.2 ulp in y; 4.1 in s and 5.2 in c, of the larger term where two terms cancel
// (near the zeros of s at −1.192 and of c at −2.256 and 1.491).
#include "core/instruction_sets.hpp"
#include "ops/elementary.hpp"
#include "ops/pointwise.hpp"
#include "ops/registry.hpp"

namespace eigenscape::ops {

namespace {

template <typename T>
struct Mish {
  [[gnu::always_inline]] pointwise::Value<T> operator()(T x) const {
    using C = elementary::Constants<T>;
    const T minus_a = elementary::at_least(-elementary::magnitude(x), C::exp_zero);
    const auto exp = elementary::exp_bounded(minus_a);
    const T t = exp.value;
    const bool above = x > 0;
    const T e = above ? 1 + 2 * t * (1 + t) : 2 + t * (2 + t);
    const T d = 1 / e;
    const T bend = above ? 2 + t * (3 - 2 * t * (1 + t)) : 2 + t * (2 - t * (3 + 2 * t));
    // Σ of the two terms of s and c, without their powers of t.
    const T slope = 4 * (1 + t) * d;
    const T turn = 4 * d * d * (2 * (1 + t) + minus_a * (bend * d));
    const T g_above = (1 + 2 * t) * d;
    const T y = above ? x * g_above : minus_a * (exp.lifted * ((2 + t) * d)) * C::lowering;
    const T s = above ? g_above - minus_a * (t * (t * (slope * d)))
                      : exp.lifted * (d * ((2 + t) + minus_a * slope)) * C::lowering;
    const T c = above ? t * (t * turn) : exp.lifted * turn * C::lowering;
    return {y, s, c};
  }
};

EIGENSCAPE_INSTRUCTION_SETS
void float64(const Attributes& /*attributes*/, std::span<const double> x, std::span<double> y,
             std::span<double> first, std::span<double> second) {
  pointwise::evaluate(x, y, first, second, Mish<double>{});
}

EIGENSCAPE_INSTRUCTION_SETS
void float32(const Attributes& /*attributes*/, std::span<const float> x, std::span<float> y,
             std::span<float> first, std::span<float> second) {
  pointwise::evaluate(x, y, first, second, Mish<float>{});
}

}  // namespace

const Operation mish = pointwise::make<float64, float32>("mish");

}  // namespace eigenscape::ops
