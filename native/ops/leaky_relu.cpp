// leakyRelu        y = x if x > 0, else α·x;  s = 1 if x > 0, else α;  c = 0;  α = 0.01 by default
// tangent          ẏ = s·ẋ
// adjoint          x̄ = s·ȳ
// tangent-adjoint  (x̄)˙ = s·ȳ̇
#include "core/instruction_sets.hpp"
#include "ops/pointwise.hpp"
#include "ops/registry.hpp"

namespace eigenscape::ops {

namespace {

template <typename T>
struct LeakyRelu {
  T alpha;
  [[gnu::always_inline]] pointwise::Value<T> operator()(T x) const {
    return {x > 0 ? x : alpha * x, x > 0 ? T(1) : alpha, T(0)};
  }
};

EIGENSCAPE_INSTRUCTION_SETS
void float64(const Attributes& attributes, std::span<const double> x, std::span<double> y,
             std::span<double> first, std::span<double> second) {
  pointwise::evaluate(x, y, first, second, LeakyRelu<double>{attribute(attributes, "alpha", 0.01)});
}

EIGENSCAPE_INSTRUCTION_SETS
void float32(const Attributes& attributes, std::span<const float> x, std::span<float> y,
             std::span<float> first, std::span<float> second) {
  pointwise::evaluate(x, y, first, second,
                      LeakyRelu<float>{static_cast<float>(attribute(attributes, "alpha", 0.01))});
}

}  // namespace

const Operation leaky_relu =
    pointwise::make<float64, float32>("leakyRelu", Structure::piecewise_linear);

}  // namespace eigenscape::ops
