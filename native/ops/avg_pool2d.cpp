// avgPool2d        y = Σ x of a window / count; padding is 0, and counts if countPadding (the
// default) tangent          ẏ = Σ ẋ / count adjoint          x̄ = Σ ȳ / count over the windows that
// an entry lies in tangent-adjoint  (x̄)˙ = Σ ȳ̇ / count
//
// globalAvgPool2d  the same with one window: the whole image

#include <algorithm>

#include "core/error.hpp"
#include "ops/linear.hpp"
#include "ops/registry.hpp"
#include "ops/window.hpp"

namespace eigenscape::ops {
namespace {

/// Calls body(output, first tap row, …) — for output (r, c): its inputs and the weight of each.
template <typename T, typename Body>
void for_each_tap(const Window& window, bool count_padding, const Body& body) {
  const auto taps = static_cast<T>(window.taps());
  for (std::size_t r = 0; r < window.rows.out; ++r) {
    for (std::size_t c = 0; c < window.columns.out; ++c) {
      std::size_t inside = 0;
      const auto each = [&](const auto& action) {
        for (std::size_t i = 0; i < window.rows.taps; ++i) {
          const std::size_t row = window.rows.input(r, i);
          for (std::size_t j = 0; row < window.rows.in && j < window.columns.taps; ++j) {
            const std::size_t column = window.columns.input(c, j);
            if (column < window.columns.in) action(row * window.columns.in + column);
          }
        }
      };
      each([&](std::size_t) { ++inside; });
      const T weight =
          1 / (count_padding ? taps : static_cast<T>(std::max<std::size_t>(inside, 1)));
      each([&](std::size_t input) { body(r * window.columns.out + c, input, weight); });
    }
  }
}

/// The window of either operation.
Window window_in(const Node& node) {
  const Shape& shape = node.input_shapes[0];
  if (!attribute_list(node.attributes, "kernel").empty()) {
    return window_of("avgPool2d", node.attributes, shape);
  }
  return {shape[0], {shape[1], 1, shape[1], 1, 1, 0}, {shape[2], 1, shape[2], 1, 1, 0}};
}

bool counts_padding(const Node& node) { return attribute(node.attributes, "countPadding", 1) != 0; }

Shape output_shape(const Attributes& attributes, std::span<const Shape> inputs) {
  return pooled_shape("avgPool2d", attributes, inputs);
}

Shape global_output_shape(const Attributes& /*attributes*/, std::span<const Shape> inputs) {
  if (inputs.size() != 1 || inputs[0].size() != 3) {
    throw Error(ErrorCode::shape,
                "a globalAvgPool2d layer reads one layer of images [channels, height, width]");
  }
  return {inputs[0][0], 1, 1};
}

std::vector<ParameterTensor> parameters(const Attributes& /*attributes*/,
                                        std::span<const Shape> /*inputs*/) {
  return {};
}

Storage storage(const Attributes& /*attributes*/, std::span<const Shape> /*inputs*/) { return {}; }

/// y = the averages of `planes` planes of x; zero where x is empty.
template <typename T>
void average(const Node& node, std::size_t samples, std::span<const T> x, std::span<T> y) {
  const Window window = window_in(node);
  std::fill_n(y.data(), samples * node.output_size, T{0});
  if (x.empty()) return;
  const std::size_t planes = samples * window.channels;
  for_each_tap<T>(window, counts_padding(node),
                  [&](std::size_t output, std::size_t input, T weight) {
                    for (std::size_t p = 0; p < planes; ++p) {
                      y[p * window.outputs() + output] += weight * x[p * window.plane() + input];
                    }
                  });
}

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> /*theta*/, Order /*order*/, std::span<T> y, std::span<T> /*saved*/,
             std::span<T> /*scratch*/) {
  average(node, n, x[0], y);
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> /*theta_dot*/, std::span<T> y_dot) {
  average(at.node, k * at.n, x_dot[0], y_dot);
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> /*theta_bar*/) {
  if (x_bar[0].empty()) return;
  const Window window = window_in(at.node);
  const std::size_t planes = k * at.n * window.channels;
  std::fill_n(x_bar[0].data(), planes * window.plane(), T{0});
  for_each_tap<T>(
      window, counts_padding(at.node), [&](std::size_t output, std::size_t input, T weight) {
        for (std::size_t p = 0; p < planes; ++p) {
          x_bar[0][p * window.plane() + input] += weight * y_bar[p * window.outputs() + output];
        }
      });
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>,
                               linear::tangent_adjoint<T, adjoint<T>>};

}  // namespace

extern const Operation avg_pool2d = {"avgPool2d", Structure::general, output_shape,  parameters,
                                     storage,     kPasses<double>,    kPasses<float>};
extern const Operation global_avg_pool2d = {
    "globalAvgPool2d", Structure::general, global_output_shape, parameters,
    storage,           kPasses<double>,    kPasses<float>};

}  // namespace eigenscape::ops
