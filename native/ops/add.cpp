// add              y = Σ_i x_i, all of one shape
// tangent          ẏ = Σ_i ẋ_i
// adjoint          x̄_i = ȳ
// tangent-adjoint  (x̄_i)˙ = ȳ̇

#include <algorithm>

#include "core/error.hpp"
#include "ops/linear.hpp"
#include "ops/registry.hpp"

namespace eigenscape::ops {
namespace {

Shape output_shape(const Attributes& /*attributes*/, std::span<const Shape> inputs) {
  if (inputs.size() < 2) {
    throw Error(ErrorCode::shape, "an add layer reads at least two layers; name them in `inputs`");
  }
  for (const Shape& shape : inputs) {
    if (shape == inputs[0]) continue;
    throw Error(ErrorCode::shape, "an add layer reads layers of one shape, but was given " +
                                      describe(inputs[0]) + " and " + describe(shape));
  }
  return inputs[0];
}

std::vector<ParameterTensor> parameters(const Attributes& /*attributes*/,
                                        std::span<const Shape> /*inputs*/) {
  return {};
}

Storage storage(const Attributes& /*attributes*/, std::span<const Shape> /*inputs*/) { return {}; }

/// out = Σ of the terms that are not empty
template <typename T>
void sum(std::span<const std::span<const T>> terms, std::size_t size, T* out) {
  std::fill_n(out, size, T{0});
  for (const std::span<const T> term : terms) {
    if (term.empty()) continue;
    for (std::size_t i = 0; i < size; ++i) out[i] += term[i];
  }
}

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> /*theta*/, Order /*order*/, std::span<T> y, std::span<T> /*saved*/,
             std::span<T> /*scratch*/) {
  sum(x, n * node.output_size, y.data());
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> /*theta_dot*/, std::span<T> y_dot) {
  sum(x_dot, k * at.n * at.node.output_size, y_dot.data());
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> /*theta_bar*/) {
  for (const std::span<T> share : x_bar) {
    if (!share.empty()) std::copy_n(y_bar.data(), k * at.n * at.node.output_size, share.data());
  }
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>,
                               linear::tangent_adjoint<T, adjoint<T>>};

}  // namespace

extern const Operation add = {"add",   Structure::general, output_shape,   parameters,
                              storage, kPasses<double>,    kPasses<float>, Reach::entry};

}  // namespace eigenscape::ops
