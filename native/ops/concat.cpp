// concat           y = (x_1, x_2, …) along the first axis of a sample (features, channels)
// tangent          ẏ = (ẋ_1, ẋ_2, …)
// adjoint          x̄_i = the part of ȳ that came from x_i
// tangent-adjoint  (x̄_i)˙ = the part of ȳ̇ that came from x_i

#include <algorithm>

#include "core/error.hpp"
#include "ops/linear.hpp"
#include "ops/registry.hpp"

namespace eigenscape::ops {
namespace {

Shape output_shape(const Attributes& /*attributes*/, std::span<const Shape> inputs) {
  if (inputs.empty() || inputs[0].empty()) {
    throw Error(ErrorCode::shape, "a concat layer reads at least one layer with an axis");
  }
  Shape joined = inputs[0];
  for (const Shape& shape : inputs.subspan(1)) {
    const bool fits = shape.size() == joined.size() &&
                      std::equal(shape.begin() + 1, shape.end(), joined.begin() + 1);
    if (!fits) {
      throw Error(
          ErrorCode::shape,
          "a concat layer reads layers that differ in their first axis only, but was given " +
              describe(inputs[0]) + " and " + describe(shape));
    }
    joined[0] += shape[0];
  }
  return joined;
}

std::vector<ParameterTensor> parameters(const Attributes& /*attributes*/,
                                        std::span<const Shape> /*inputs*/) {
  return {};
}

Storage storage(const Attributes& /*attributes*/, std::span<const Shape> /*inputs*/) { return {}; }

/// Rows of y are the parts one after the other: of each sample, or of all samples if they lie
/// innermost.
struct RowSizes {
  std::size_t rows;
  std::size_t unit;  // entries of a row for each entry of a sample
};

RowSizes row_sizes(const Node& node, std::size_t k, std::size_t n) {
  if (node.output_layout == Layout::sample_minor) return {k, n};
  return {k * n, 1};
}

/// An empty part is zero.
template <typename T>
void join(const Node& node, RowSizes sizes, std::span<const std::span<const T>> parts, T* y) {
  std::size_t start = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t size = entry_count(node.input_shapes[i]) * sizes.unit;
    for (std::size_t row = 0; row < sizes.rows; ++row) {
      T* const to = y + row * node.output_size * sizes.unit + start;
      if (parts[i].empty()) {
        std::fill_n(to, size, T{0});
      } else {
        std::copy_n(parts[i].data() + row * size, size, to);
      }
    }
    start += size;
  }
}

template <typename T>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> /*theta*/, Order /*order*/, std::span<T> y, std::span<T> /*saved*/,
             std::span<T> /*scratch*/) {
  join(node, row_sizes(node, 1, n), x, y.data());
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> /*theta_dot*/, std::span<T> y_dot) {
  join(at.node, row_sizes(at.node, k, at.n), x_dot, y_dot.data());
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> /*theta_bar*/) {
  const RowSizes sizes = row_sizes(at.node, k, at.n);
  std::size_t start = 0;
  for (std::size_t i = 0; i < x_bar.size(); ++i) {
    const std::size_t size = entry_count(at.node.input_shapes[i]) * sizes.unit;
    for (std::size_t row = 0; !x_bar[i].empty() && row < sizes.rows; ++row) {
      std::copy_n(y_bar.data() + row * at.node.output_size * sizes.unit + start, size,
                  x_bar[i].data() + row * size);
    }
    start += size;
  }
}

template <typename T>
constexpr Passes<T> kPasses = {forward<T>, tangent<T>, adjoint<T>,
                               linear::tangent_adjoint<T, adjoint<T>>};

}  // namespace

extern const Operation concat = {"concat", Structure::general, output_shape,   parameters,
                                 storage,  kPasses<double>,    kPasses<float>, Reach::part};

}  // namespace eigenscape::ops
