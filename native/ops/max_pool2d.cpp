// maxPool2d        y = the largest x of a window, the first of equal ones (row by row); padding is
//                  −∞
// tangent          ẏ = ẋ at that entry
// adjoint          x̄ = Σ of ȳ of the windows whose largest entry it is
// tangent-adjoint  (x̄)˙ = the same Σ of ȳ̇
//
// `saved` is for every output the entry of its plane that is the largest [outputs, n]; float32
// counts exactly up to 2²⁴ entries of a plane. Samples may choose different entries, so tangent and
// adjoint try all taps for a vector of samples at once.

#include <algorithm>

#include "core/error.hpp"
#include "core/instruction_sets.hpp"
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

/// Calls body(output, first entry of the plane, entry of the plane, first) for every output of all
/// planes and the entries of its window; `first` is true for the first of them.
template <typename Body>
[[gnu::always_inline]] inline void for_each_tap(const Window& window, const Body& body) {
  std::size_t output = 0;
  for (std::size_t plane = 0; plane < window.channels; ++plane) {
    const std::size_t start = plane * window.plane();
    for (std::size_t r = 0; r < window.rows.out; ++r) {
      for (std::size_t c = 0; c < window.columns.out; ++c, ++output) {
        bool first = true;
        for (std::size_t i = 0; i < window.rows.taps; ++i) {
          const std::size_t row = window.rows.input(r, i);
          for (std::size_t j = 0; row < window.rows.in && j < window.columns.taps; ++j) {
            const std::size_t column = window.columns.input(c, j);
            if (column >= window.columns.in) continue;
            body(output, start, row * window.columns.in + column, first);
            first = false;
          }
        }
      }
    }
  }
}

template <typename T>
struct Largest {
  std::size_t n;
  const T* x;
  T* y;
  T* saved;

  [[gnu::always_inline]] void operator()(std::size_t output, std::size_t start, std::size_t entry,
                                         bool first) const {
    const T* const __restrict at = x + (start + entry) * n;
    T* const __restrict value = y + output * n;
    T* const __restrict place = saved + output * n;
    const auto here = static_cast<T>(entry);
    if (first) {
      for (std::size_t s = 0; s < n; ++s) value[s] = at[s];
      for (std::size_t s = 0; s < n; ++s) place[s] = here;
      return;
    }
    for (std::size_t s = 0; s < n; ++s) place[s] = at[s] > value[s] ? here : place[s];
    for (std::size_t s = 0; s < n; ++s) value[s] = at[s] > value[s] ? at[s] : value[s];
  }
};

template <typename T>
struct Picked {
  std::size_t n;
  const T* saved;
  const T* x_dot;
  T* y_dot;

  [[gnu::always_inline]] void operator()(std::size_t output, std::size_t start, std::size_t entry,
                                         bool first) const {
    const T* const at = x_dot + (start + entry) * n;
    T* const value = y_dot + output * n;
    const T* const place = saved + output * n;
    const auto here = static_cast<T>(entry);
    for (std::size_t s = 0; s < n; ++s) {
      const T otherwise = first ? T{0} : value[s];
      value[s] = place[s] == here ? at[s] : otherwise;
    }
  }
};

template <typename T>
struct GivenBack {
  std::size_t n;
  const T* saved;
  const T* y_bar;
  T* x_bar;

  [[gnu::always_inline]] void operator()(std::size_t output, std::size_t start, std::size_t entry,
                                         bool /*first*/) const {
    T* const at = x_bar + (start + entry) * n;
    const T* const value = y_bar + output * n;
    const T* const place = saved + output * n;
    const auto here = static_cast<T>(entry);
    for (std::size_t s = 0; s < n; ++s) at[s] += place[s] == here ? value[s] : T{0};
  }
};

EIGENSCAPE_INSTRUCTION_SETS
void run(const Window& window, const Largest<double>& body) { for_each_tap(window, body); }
EIGENSCAPE_INSTRUCTION_SETS
void run(const Window& window, const Largest<float>& body) { for_each_tap(window, body); }
EIGENSCAPE_INSTRUCTION_SETS
void run(const Window& window, const Picked<double>& body) { for_each_tap(window, body); }
EIGENSCAPE_INSTRUCTION_SETS
void run(const Window& window, const Picked<float>& body) { for_each_tap(window, body); }
EIGENSCAPE_INSTRUCTION_SETS
void run(const Window& window, const GivenBack<double>& body) { for_each_tap(window, body); }
EIGENSCAPE_INSTRUCTION_SETS
void run(const Window& window, const GivenBack<float>& body) { for_each_tap(window, body); }

Window window_in(const Node& node) {
  return window_of("maxPool2d", node.attributes, node.input_shapes[0]);
}

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> /*theta*/, Order /*order*/, std::span<T> y, std::span<T> saved,
             std::span<T> /*scratch*/) {
  run(window_in(node), Largest<T>{n, x[0].data(), y.data(), saved.data()});
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> /*theta_dot*/, std::span<T> y_dot) {
  const Window window = window_in(at.node);
  const std::size_t inputs = window.channels * window.plane() * at.n;
  const std::size_t outputs = at.node.output_size * at.n;
  if (x_dot[0].empty()) return static_cast<void>(std::fill_n(y_dot.data(), k * outputs, T{0}));
  for (std::size_t j = 0; j < k; ++j) {
    run(window,
        Picked<T>{at.n, at.saved.data(), x_dot[0].data() + j * inputs, y_dot.data() + j * outputs});
  }
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> /*theta_bar*/) {
  if (x_bar[0].empty()) return;
  const Window window = window_in(at.node);
  const std::size_t inputs = window.channels * window.plane() * at.n;
  const std::size_t outputs = at.node.output_size * at.n;
  std::fill_n(x_bar[0].data(), k * inputs, T{0});
  for (std::size_t j = 0; j < k; ++j) {
    run(window, GivenBack<T>{at.n, at.saved.data(), y_bar.data() + j * outputs,
                             x_bar[0].data() + j * inputs});
  }
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>,
                               linear::tangent_adjoint<T, adjoint<T>>};

}  // namespace

extern const Operation max_pool2d = {
    "maxPool2d", Structure::general, output_shape,   parameters,
    storage,     kPasses<double>,    kPasses<float>, Reach::channel};

}  // namespace eigenscape::ops
