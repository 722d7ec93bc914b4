// The family of pointwise operations y_i = σ(x_i), made from one function that gives σ, σ' and σ''.
//
//   forward          y = σ(x);  saves s = σ'(x) and c = σ''(x), as far as `order` asks
//   tangent          ẏ = s·ẋ
//   adjoint          x̄ = s·ȳ
//   tangent-adjoint  (x̄)˙ = s·ȳ̇ + c·ẋ·ȳ
//
// `saved` is s [n, size], then c [n, size]; a piecewise linear function has no c.
#pragma once

#include "ops/operation.hpp"

namespace eigenscape::pointwise {

/// σ, σ' and σ'' of every entry; empty spans are not written. Chosen by CPU at load time.
template <typename T>
using Function = void (*)(const Attributes& attributes, std::span<const T> x, std::span<T> y,
                          std::span<T> first, std::span<T> second);

/// σ, σ' and σ'' at one entry.
template <typename T>
struct Value {
  T y;
  T first;
  T second;
};

/// The loops of a Function: sigma(x) → Value<T>, of which only what is wanted is computed.
template <typename T, typename Sigma>
[[gnu::always_inline]] inline void evaluate(std::span<const T> x, std::span<T> y,
                                            std::span<T> first, std::span<T> second, Sigma sigma) {
  const std::size_t size = x.size();
  if (first.empty()) {
    for (std::size_t i = 0; i < size; ++i) {
      y[i] = sigma(x[i]).y;
    }
  } else if (second.empty()) {
    for (std::size_t i = 0; i < size; ++i) {
      const Value<T> value = sigma(x[i]);
      y[i] = value.y;
      first[i] = value.first;
    }
  } else {
    for (std::size_t i = 0; i < size; ++i) {
      const Value<T> value = sigma(x[i]);
      y[i] = value.y;
      first[i] = value.first;
      second[i] = value.second;
    }
  }
}

/// Throws ErrorCode::shape unless there is exactly one input, whose shape is the output's.
Shape output_shape(const Attributes& attributes, std::span<const Shape> inputs);
std::vector<ParameterTensor> no_parameters(const Attributes& attributes,
                                           std::span<const Shape> inputs);
Storage storage(const Attributes& attributes, std::span<const Shape> inputs);
Storage piecewise_linear_storage(const Attributes& attributes, std::span<const Shape> inputs);

template <typename T>
void tangent(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
             Rows<const T> theta_dot, std::span<T> y_dot);

template <typename T>
void adjoint(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
             std::span<const std::span<T>> x_bar, Rows<T> theta_bar);

template <typename T>
void tangent_adjoint(const Primal<T>& at, std::size_t k, std::span<const std::span<const T>> x_dot,
                     Rows<const T> theta_dot, std::span<const T> y_bar,
                     std::span<const T> y_bar_dot, std::span<const std::span<T>> x_bar_dot,
                     Rows<T> theta_bar_dot);

template <typename T, Function<T> function>
void forward(const Node& node, std::size_t n, std::span<const std::span<const T>> x,
             std::span<const T> /*theta*/, Order order, std::span<T> y, std::span<T> saved,
             std::span<T> /*scratch*/) {
  const std::size_t size = n * node.output_size;
  const auto first = order >= Order::first ? saved.subspan(0, size) : std::span<T>{};
  const bool bent = node.operation->structure != Structure::piecewise_linear;
  const auto second = bent && order >= Order::second ? saved.subspan(size, size) : std::span<T>{};
  function(node.attributes, x[0].first(size), y.first(size), first, second);
}

template <typename T, Function<T> function>
constexpr Passes<T> passes() {
  return {forward<T, function>, tangent<T>, adjoint<T>, tangent_adjoint<T>};
}

/// The descriptor of a pointwise operation.
template <Function<double> float64, Function<float> float32>
constexpr Operation make(std::string_view name, Structure structure = Structure::pointwise) {
  return {name,
          structure,
          output_shape,
          no_parameters,
          structure == Structure::piecewise_linear ? piecewise_linear_storage : storage,
          passes<double, float64>(),
          passes<float, float32>(),
          Reach::entry};
}

}  // namespace eigenscape::pointwise
