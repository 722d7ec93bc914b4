// relu             y = max(x, 0);  s = 1 if x > 0, else 0;  c = 0
// tangent          ẏ = s·ẋ
// adjoint          x̄ = s·ȳ
// tangent-adjoint  (x̄)˙ = s·ȳ̇
#include "core/instruction_sets.hpp"
#include "ops/pointwise.hpp"
#include "ops/registry.hpp"

namespace eigenscape::ops {

namespace {

template <typename T>
struct Relu {
  [[gnu::always_inline]] pointwise::Value<T> operator()(T x) const {
    return {x <= 0 ? T(0) : x, x > 0 ? T(1) : T(0), T(0)};
  }
};

EIGENSCAPE_INSTRUCTION_SETS
void float64(const Attributes& /*attributes*/, std::span<const double> x, std::span<double> y,
             std::span<double> first, std::span<double> second) {
  pointwise::evaluate(x, y, first, second, Relu<double>{});
}

EIGENSCAPE_INSTRUCTION_SETS
void float32(const Attributes& /*attributes*/, std::span<const float> x, std::span<float> y,
             std::span<float> first, std::span<float> second) {
  pointwise::evaluate(x, y, first, second, Relu<float>{});
}

}  // namespace

const Operation relu = pointwise::make<float64, float32>("relu", Structure::piecewise_linear);

}  // namespace eigenscape::ops
