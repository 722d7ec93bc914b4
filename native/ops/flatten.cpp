// flatten          y = x, its entries in one row
// tangent          ẏ = ẋ
// adjoint          x̄ = ȳ
// tangent-adjoint  (x̄)˙ = ȳ̇

#include <algorithm>

#include "core/error.hpp"
#include "ops/linear.hpp"
#include "ops/registry.hpp"

namespace eigenscape::ops {
namespace {

Shape output_shape(const Attributes& /*attributes*/, std::span<const Shape> inputs) {
  if (inputs.size() != 1) {
    throw Error(ErrorCode::shape,
                "a flatten layer reads one layer, but was given " + std::to_string(inputs.size()));
  }
  return {entry_count(inputs[0])};
}

std::vector<ParameterTensor> parameters(const Attributes& /*attributes*/,
                                        std::span<const Shape> /*inputs*/) {
  return {};
}

Storage storage(const Attributes& /*attributes*/, std::span<const Shape> /*inputs*/) { return {}; }

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> /*theta*/, Order /*order*/, std::span<T> y, std::span<T> /*saved*/,
             std::span<T> /*scratch*/) {
  std::copy_n(x[0].data(), n * node.output_size, y.data());
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> /*theta_dot*/, std::span<T> y_dot) {
  const std::size_t size = k * at.n * at.node.output_size;
  if (x_dot[0].empty()) {
    std::fill_n(y_dot.data(), size, T{0});
  } else {
    std::copy_n(x_dot[0].data(), size, y_dot.data());
  }
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> /*theta_bar*/) {
  if (x_bar[0].empty()) return;
  std::copy_n(y_bar.data(), k * at.n * at.node.output_size, x_bar[0].data());
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>,
                               linear::tangent_adjoint<T, adjoint<T>>};

}  // namespace

extern const Operation flatten = {"flatten", Structure::reshape, output_shape,  parameters,
                                  storage,   kPasses<double>,    kPasses<float>};

}  // namespace eigenscape::ops
