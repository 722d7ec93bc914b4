// flatten          y = x, its entries in one row; images are sample-minor, their row is not
// tangent          ẏ = ẋ
// adjoint          x̄ = ȳ
// tangent-adjoint  (x̄)˙ = ȳ̇

#include <algorithm>

#include "core/error.hpp"
#include "linalg/transpose.hpp"
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

/// The rows of k · n samples from x, or back to x from them, when x holds images.
template <typename T>
void turn(std::size_t k, std::size_t rows, std::size_t columns, const T* from, T* to) {
  for (std::size_t j = 0; j < k; ++j) {
    transpose(rows, columns, from + j * rows * columns, columns, to + j * rows * columns, rows);
  }
}

template <typename T>
void read_rows(const Node& node, std::size_t k, std::size_t n, std::span<const T> x, T* y) {
  const std::size_t size = node.output_size;
  if (node.input_layout == Layout::sample_minor) return turn(k, size, n, x.data(), y);
  std::copy_n(x.data(), k * n * size, y);
}

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> /*theta*/, Order /*order*/, std::span<T> y, std::span<T> /*saved*/,
             std::span<T> /*scratch*/) {
  read_rows(node, 1, n, x[0], y.data());
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> /*theta_dot*/, std::span<T> y_dot) {
  if (!x_dot[0].empty()) return read_rows(at.node, k, at.n, x_dot[0], y_dot.data());
  std::fill_n(y_dot.data(), k * at.n * at.node.output_size, T{0});
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> /*theta_bar*/) {
  if (x_bar[0].empty()) return;
  const std::size_t size = at.node.output_size;
  if (at.node.input_layout == Layout::sample_minor) {
    return turn(k, at.n, size, y_bar.data(), x_bar[0].data());
  }
  std::copy_n(y_bar.data(), k * at.n * size, x_bar[0].data());
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>,
                               linear::tangent_adjoint<T, adjoint<T>>};

}  // namespace

extern const Operation flatten = {"flatten", Structure::reshape, output_shape,   parameters,
                                  storage,   kPasses<double>,    kPasses<float>, Reach::entry};

}  // namespace eigenscape::ops
