// The part of the pointwise family that does not depend on σ: shape rule and three of the passes.
#include "ops/pointwise.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/instruction_sets.hpp"

namespace eigenscape::pointwise {

namespace {

// out = factor·in for each of the rows of `in`
template <typename T>
[[gnu::always_inline]] inline void scale_rows(std::span<const T> factor, std::span<const T> in,
                                              std::span<T> out) {
  const std::size_t size = factor.size();
  for (std::size_t start = 0; start < in.size(); start += size) {
    const T* const from = in.data() + start;
    T* const to = out.data() + start;
    for (std::size_t i = 0; i < size; ++i) {
      to[i] = factor[i] * from[i];
    }
  }
}

EIGENSCAPE_INSTRUCTION_SETS
void scale(std::span<const double> factor, std::span<const double> in, std::span<double> out) {
  scale_rows(factor, in, out);
}

EIGENSCAPE_INSTRUCTION_SETS
void scale(std::span<const float> factor, std::span<const float> in, std::span<float> out) {
  scale_rows(factor, in, out);
}

// (x̄)˙ = s·ȳ̇ + c·ẋ·ȳ for each of the rows of ẋ and ȳ̇
template <typename T>
[[gnu::always_inline]] inline void second_order_rows(std::span<const T> s, std::span<const T> c,
                                                     std::span<const T> x_dot,
                                                     std::span<const T> y_bar,
                                                     std::span<const T> y_bar_dot,
                                                     std::span<T> x_bar_dot) {
  const std::size_t size = s.size();
  for (std::size_t start = 0; start < x_bar_dot.size(); start += size) {
    const T* const input_dot = x_dot.data() + start;
    const T* const output_bar_dot = y_bar_dot.data() + start;
    T* const to = x_bar_dot.data() + start;
    for (std::size_t i = 0; i < size; ++i) {
      to[i] = s[i] * output_bar_dot[i] + (c[i] * y_bar[i]) * input_dot[i];
    }
  }
}

EIGENSCAPE_INSTRUCTION_SETS
void second_order(std::span<const double> s, std::span<const double> c,
                  std::span<const double> x_dot, std::span<const double> y_bar,
                  std::span<const double> y_bar_dot, std::span<double> x_bar_dot) {
  second_order_rows(s, c, x_dot, y_bar, y_bar_dot, x_bar_dot);
}

EIGENSCAPE_INSTRUCTION_SETS
void second_order(std::span<const float> s, std::span<const float> c, std::span<const float> x_dot,
                  std::span<const float> y_bar, std::span<const float> y_bar_dot,
                  std::span<float> x_bar_dot) {
  second_order_rows(s, c, x_dot, y_bar, y_bar_dot, x_bar_dot);
}

std::string text(const Shape& shape) {
  std::string result = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    result += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return result + "]";
}

}  // namespace

Shape output_shape(const Attributes& /*attributes*/, std::span<const Shape> inputs) {
  if (inputs.size() != 1) {
    std::string given = inputs.empty() ? "none" : std::to_string(inputs.size()) + " of shapes ";
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      given += (i == 0 ? "" : ", ") + text(inputs[i]);
    }
    throw Error(ErrorCode::shape, "an activation reads exactly one input; given: " + given);
  }
  return inputs[0];
}

std::vector<ParameterTensor> no_parameters(const Attributes& /*attributes*/,
                                           std::span<const Shape> /*inputs*/) {
  return {};
}

Storage storage(const Attributes& /*attributes*/, std::span<const Shape> inputs) {
  return {2 * entry_count(inputs[0])};
}

Storage piecewise_linear_storage(const Attributes& /*attributes*/, std::span<const Shape> inputs) {
  return {entry_count(inputs[0])};
}

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> /*theta_dot*/, std::span<T> y_dot) {
  const std::size_t size = at.n * at.node.output_size;
  const std::span<T> out = y_dot.first(k * size);
  if (x_dot[0].empty()) {
    std::ranges::fill(out, T(0));
    return;
  }
  scale(at.saved.first(size), x_dot[0].first(k * size), out);
}

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> /*theta_bar*/) {
  const std::size_t size = at.n * at.node.output_size;
  if (!x_bar[0].empty()) {
    scale(at.saved.first(size), y_bar.first(k * size), x_bar[0].first(k * size));
  }
}

template <typename T>
void tangent_adjoint(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
                     Rows<const T> /*theta_dot*/, std::span<const T> y_bar,
                     std::span<const T> y_bar_dot, std::span<const std::span<T>> x_bar_dot,
                     Rows<T> /*theta_bar_dot*/) {
  const std::size_t size = at.n * at.node.output_size;
  if (x_bar_dot[0].empty()) {
    return;
  }
  const auto s = at.saved.first(size);
  const auto out = x_bar_dot[0].first(k * size);
  if (x_dot[0].empty() || at.node.operation->structure == Structure::piecewise_linear) {
    scale(s, y_bar_dot.first(k * size), out);
  } else {
    second_order(s, at.saved.subspan(size, size), x_dot[0].first(k * size), y_bar.first(size),
                 y_bar_dot.first(k * size), out);
  }
}

template void tangent(const Primal<double>&, std::size_t, std::span<const std::span<const double>>,
                      Rows<const double>, std::span<double>);
template void tangent(const Primal<float>&, std::size_t, std::span<const std::span<const float>>,
                      Rows<const float>, std::span<float>);
template void adjoint(const Primal<double>&, std::size_t, std::span<const double>,
                      std::span<const std::span<double>>, Rows<double>);
template void adjoint(const Primal<float>&, std::size_t, std::span<const float>,
                      std::span<const std::span<float>>, Rows<float>);
template void tangent_adjoint(const Primal<double>&, std::size_t,
                              std::span<const std::span<const double>>, Rows<const double>,
                              std::span<const double>, std::span<const double>,
                              std::span<const std::span<double>>, Rows<double>);
template void tangent_adjoint(const Primal<float>&, std::size_t,
                              std::span<const std::span<const float>>, Rows<const float>,
                              std::span<const float>, std::span<const float>,
                              std::span<const std::span<float>>, Rows<float>);

}  // namespace eigenscape::pointwise
