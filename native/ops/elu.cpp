// elu              y = x if x > 0, else α·(eˣ − 1);  α = 1 by default
//                  s = 1 if x > 0, else α·eˣ;  c = α·eˣ if x < 0, else 0
// tangent          ẏ = s·ẋ
// adjoint          x̄ = s·ȳ
// tangent-adjoint  (x̄)˙ = s·ȳ̇ + c·ẋ·ȳ
//
// Error at most 1.2 ulp in y, 1.1 in s and c (α = 1), denormal results too.
#include "core/instruction_sets.hpp"
#include "ops/elementary.hpp"
#include "ops/pointwise.hpp"
#include "ops/registry.hpp"

namespace eigenscape::ops {

namespace {

template <typename T>
struct Elu {
  T alpha;
  [[gnu::always_inline]] pointwise::Value<T> operator()(T x) const {
    const auto e = elementary::exp_nonpositive(x > 0 ? T(0) : x);
    const T slope = alpha * e.value;
    return {x > 0 ? x : alpha * e.minus_one, x > 0 ? T(1) : slope, x < 0 ? slope : T(0)};
  }
};

EIGENSCAPE_INSTRUCTION_SETS
void float64(const Attributes& attributes, std::span<const double> x, std::span<double> y,
             std::span<double> first, std::span<double> second) {
  pointwise::evaluate(x, y, first, second, Elu<double>{attribute(attributes, "alpha", 1)});
}

EIGENSCAPE_INSTRUCTION_SETS
void float32(const Attributes& attributes, std::span<const float> x, std::span<float> y,
             std::span<float> first, std::span<float> second) {
  pointwise::evaluate(x, y, first, second,
                      Elu<float>{static_cast<float>(attribute(attributes, "alpha", 1))});
}

}  // namespace

const Operation elu = pointwise::make<float64, float32>("elu");

}  // namespace eigenscape::ops
