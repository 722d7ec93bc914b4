// channelsFirst    y[c, p] = x[p, c]: an image [height, width, channels] as [channels, height,
//                  width], p counting its pixels
// tangent          ẏ[c, p] = ẋ[p, c]
// adjoint          x̄[p, c] = ȳ[c, p]
// tangent-adjoint  (x̄)˙[p, c] = ȳ̇[c, p]

#include <algorithm>

#include "core/error.hpp"
#include "ops/linear.hpp"
#include "ops/registry.hpp"

namespace eigenscape::ops {
namespace {

Shape output_shape(const Attributes& /*attributes*/, std::span<const Shape> inputs) {
  if (inputs.size() != 1) {
    throw Error(ErrorCode::shape, "a channelsFirst layer reads one layer, but was given " +
                                      std::to_string(inputs.size()));
  }
  const Shape& shape = inputs[0];
  if (shape.size() != 3) {
    throw Error(ErrorCode::shape,
                "a channelsFirst layer reads images [height, width, channels], but was given " +
                    describe(shape));
  }
  return {shape[2], shape[0], shape[1]};
}

std::vector<ParameterTensor> parameters(const Attributes& /*attributes*/,
                                        std::span<const Shape> /*inputs*/) {
  return {};
}

Storage storage(const Attributes& /*attributes*/, std::span<const Shape> /*inputs*/) { return {}; }

/// to[j, i] = from[i, j] for k matrices of `rows` × `columns` entries, each of n samples.
template <typename T>
void turn(std::size_t k, std::size_t n, std::size_t rows, std::size_t columns, const T* from,
          T* to) {
  for (std::size_t direction = 0; direction < k; ++direction) {
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j, from += n) {
        std::copy_n(from, n, to + (j * rows + i) * n);
      }
    }
    to += rows * columns * n;
  }
}

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> /*theta*/, Order /*order*/, std::span<T> y, std::span<T> /*saved*/,
             std::span<T> /*scratch*/) {
  const std::size_t channels = node.output_shape[0];
  turn(1, n, node.output_size / channels, channels, x[0].data(), y.data());
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> /*theta_dot*/, std::span<T> y_dot) {
  const std::size_t size = at.node.output_size;
  const std::size_t channels = at.node.output_shape[0];
  if (!x_dot[0].empty()) {
    return turn(k, at.n, size / channels, channels, x_dot[0].data(), y_dot.data());
  }
  std::fill_n(y_dot.data(), k * at.n * size, T{0});
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> /*theta_bar*/) {
  if (x_bar[0].empty()) return;
  const std::size_t channels = at.node.output_shape[0];
  turn(k, at.n, channels, at.node.output_size / channels, y_bar.data(), x_bar[0].data());
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>,
                               linear::tangent_adjoint<T, adjoint<T>>};

}  // namespace

extern const Operation channels_first = {
    "channelsFirst", Structure::general, output_shape,  parameters,
    storage,         kPasses<double>,    kPasses<float>};

}  // namespace eigenscape::ops
