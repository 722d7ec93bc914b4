// avgPool2d        y = Σ x of a window / count; padding is 0, and counts if countPadding (the
//                  default)
// tangent          ẏ = Σ ẋ / count
// adjoint          x̄ = Σ ȳ / count over the windows that an entry lies in
// tangent-adjoint  (x̄)˙ = Σ ȳ̇ / count
//
// globalAvgPool2d  the same with one window: the whole image

#include <algorithm>

#include "core/error.hpp"
#include "core/instruction_sets.hpp"
#include "ops/linear.hpp"
#include "ops/registry.hpp"
#include "ops/window.hpp"

namespace eigenscape::ops {
namespace {

/// One sum over the taps of windows: from an image to its averages, or back.
template <typename T>
struct Averaging {
  Window window;
  bool count_padding;
  std::size_t n;
};

/// How many entries of its window output (r, c) divides by.
inline std::size_t count_of(const Window& window, bool count_padding, std::size_t r,
                            std::size_t c) {
  if (count_padding) return window.taps();
  const auto inside = [](const WindowAxis& axis, std::size_t o) {
    std::size_t count = 0;
    for (std::size_t t = 0; t < axis.taps; ++t) count += axis.input(o, t) < axis.in ? 1 : 0;
    return count;
  };
  return std::max<std::size_t>(inside(window.rows, r) * inside(window.columns, c), 1);
}

/// to[output] += weight · from[entry], or with `back` to[entry] += weight · from[output], for every
/// output, the entries of its window and n samples.
template <typename T>
[[gnu::always_inline]] inline void add_averages(const Averaging<T>& sum, bool back, const T* from,
                                                T* to) {
  const Window& window = sum.window;
  const std::size_t n = sum.n;
  std::size_t output = 0;
  for (std::size_t plane = 0; plane < window.channels; ++plane) {
    for (std::size_t r = 0; r < window.rows.out; ++r) {
      for (std::size_t c = 0; c < window.columns.out; ++c, ++output) {
        const T weight = 1 / static_cast<T>(count_of(window, sum.count_padding, r, c));
        for (std::size_t i = 0; i < window.rows.taps; ++i) {
          const std::size_t row = window.rows.input(r, i);
          for (std::size_t j = 0; row < window.rows.in && j < window.columns.taps; ++j) {
            const std::size_t column = window.columns.input(c, j);
            if (column >= window.columns.in) continue;
            const std::size_t entry = plane * window.plane() + row * window.columns.in + column;
            const T* const read = from + (back ? output : entry) * n;
            T* const written = to + (back ? entry : output) * n;
            for (std::size_t s = 0; s < n; ++s) written[s] += weight * read[s];
          }
        }
      }
    }
  }
}
EIGENSCAPE_INSTRUCTION_SETS
void run(const Averaging<double>& sum, bool back, const double* from, double* to) {
  add_averages(sum, back, from, to);
}
EIGENSCAPE_INSTRUCTION_SETS
void run(const Averaging<float>& sum, bool back, const float* from, float* to) {
  add_averages(sum, back, from, to);
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

/// y = the averages of k · n samples of x; zero where x is empty.
template <typename T>
void average(const Node& node, std::size_t k, std::size_t n, std::span<const T> x, std::span<T> y) {
  const Averaging<T> sum{window_in(node), counts_padding(node), n};
  const std::size_t inputs = entry_count(node.input_shapes[0]) * n;
  const std::size_t outputs = node.output_size * n;
  std::fill_n(y.data(), k * outputs, T{0});
  for (std::size_t j = 0; !x.empty() && j < k; ++j) {
    run(sum, false, x.data() + j * inputs, y.data() + j * outputs);
  }
}

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> /*theta*/, Order /*order*/, std::span<T> y, std::span<T> /*saved*/,
             std::span<T> /*scratch*/) {
  average(node, 1, n, x[0], y);
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> /*theta_dot*/, std::span<T> y_dot) {
  average(at.node, k, at.n, x_dot[0], y_dot);
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> /*theta_bar*/) {
  if (x_bar[0].empty()) return;
  const Averaging<T> sum{window_in(at.node), counts_padding(at.node), at.n};
  const std::size_t inputs = entry_count(at.node.input_shapes[0]) * at.n;
  const std::size_t outputs = at.node.output_size * at.n;
  std::fill_n(x_bar[0].data(), k * inputs, T{0});
  for (std::size_t j = 0; j < k; ++j) {
    run(sum, true, y_bar.data() + j * outputs, x_bar[0].data() + j * inputs);
  }
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>,
                               linear::tangent_adjoint<T, adjoint<T>>};

}  // namespace

extern const Operation avg_pool2d = {
    "avgPool2d", Structure::general, output_shape,   parameters,
    storage,     kPasses<double>,    kPasses<float>, Reach::channel};
extern const Operation global_avg_pool2d = {
    "globalAvgPool2d", Structure::general, global_output_shape, parameters,
    storage,           kPasses<double>,    kPasses<float>,      Reach::channel};

}  // namespace eigenscape::ops
