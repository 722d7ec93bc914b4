// maxPool2d        y = the largest x of a window, the first of equal ones (row by row); padding is
// −∞ tangent          ẏ = ẋ at that entry adjoint          x̄ = Σ of ȳ of the windows whose largest
// entry it is tangent-adjoint  (x̄)˙ = the same Σ of ȳ̇
//
// `saved` is for every output the entry of its plane that is the largest [n, outputs]; float32
// counts exactly up to 2²⁴ entries of a plane.

#include <algorithm>
#include <limits>

#include "core/error.hpp"
#include "ops/linear.hpp"
#include "ops/registry.hpp"
#include "ops/window.hpp"

namespace eigenscape::ops {
namespace {

Shape output_shape(const Attributes& attributes, std::span<const Shape> inputs) {
  const Shape shape = pooled_shape("maxPool2d", attributes, inputs);
  const Window window = window_of("maxPool2d", attributes, inputs[0]);
  if (window.plane() > (std::size_t{1} << 24)) {
    throw Error(ErrorCode::shape, "a maxPool2d layer takes planes of at most 2^24 entries");
  }
  return shape;
}

std::vector<ParameterTensor> parameters(const Attributes& /*attributes*/,
                                        std::span<const Shape> /*inputs*/) {
  return {};
}

Storage storage(const Attributes& attributes, std::span<const Shape> inputs) {
  return {entry_count(pooled_shape("maxPool2d", attributes, inputs)), 0};
}

/// The entry of `plane` that is the largest in the window of output (r, c).
template <typename T>
std::size_t largest_entry(const Window& window, std::size_t r, std::size_t c, const T* plane) {
  T largest = -std::numeric_limits<T>::infinity();
  std::size_t found = 0;
  for (std::size_t i = 0; i < window.rows.taps; ++i) {
    const std::size_t row = window.rows.input(r, i);
    if (row == window.rows.in) continue;
    for (std::size_t j = 0; j < window.columns.taps; ++j) {
      const std::size_t column = window.columns.input(c, j);
      if (column == window.columns.in) continue;
      const std::size_t entry = row * window.columns.in + column;
      if (plane[entry] > largest) {
        largest = plane[entry];
        found = entry;
      }
    }
  }
  return found;
}

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> /*theta*/, Order /*order*/, std::span<T> y, std::span<T> saved,
             std::span<T> /*scratch*/) {
  const Window window = window_of("maxPool2d", node.attributes, node.input_shapes[0]);
  std::size_t output = 0;
  for (std::size_t plane = 0; plane < n * window.channels; ++plane) {
    const T* const in = x[0].data() + plane * window.plane();
    for (std::size_t r = 0; r < window.rows.out; ++r) {
      for (std::size_t c = 0; c < window.columns.out; ++c, ++output) {
        const std::size_t entry = largest_entry(window, r, c, in);
        y[output] = in[entry];
        saved[output] = static_cast<T>(entry);
      }
    }
  }
}

/// Calls body(output, input entry) for every output of k · n samples.
template <typename T, typename Body>
void for_each_output(const Primal<T>& at, std::size_t k, const Body& body) {
  const Window window = window_of("maxPool2d", at.node.attributes, at.node.input_shapes[0]);
  const std::size_t planes = at.n * window.channels;
  for (std::size_t plane = 0; plane < k * planes; ++plane) {
    const T* const entries = at.saved.data() + plane % planes * window.outputs();
    for (std::size_t i = 0; i < window.outputs(); ++i) {
      body(plane * window.outputs() + i,
           plane * window.plane() + static_cast<std::size_t>(entries[i]));
    }
  }
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> /*theta_dot*/, std::span<T> y_dot) {
  for_each_output(at, k, [&](std::size_t output, std::size_t input) {
    y_dot[output] = x_dot[0].empty() ? T{0} : x_dot[0][input];
  });
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> /*theta_bar*/) {
  if (x_bar[0].empty()) return;
  std::fill_n(x_bar[0].data(), k * at.n * entry_count(at.node.input_shapes[0]), T{0});
  for_each_output(at, k,
                  [&](std::size_t output, std::size_t input) { x_bar[0][input] += y_bar[output]; });
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>,
                               linear::tangent_adjoint<T, adjoint<T>>};

}  // namespace

extern const Operation max_pool2d = {"maxPool2d", Structure::general, output_shape,  parameters,
                                     storage,     kPasses<double>,    kPasses<float>};

}  // namespace eigenscape::ops
