// What operations that are linear in x and have no parameters share.
#pragma once

#include "ops/operation.hpp"

namespace eigenscape::linear {

template <typename T>
using Adjoint = void (*)(const Primal<T>& at, std::size_t k, std::span<const T> y_bar,
                         std::span<const std::span<T>> x_bar, Rows<T> theta_bar);

/// (x̄)˙ comes from ȳ̇ as x̄ does from ȳ.
template <typename T, Adjoint<T> adjoint>
void tangent_adjoint(const Primal<T>& at, std::size_t k,
                     std::span<const std::span<const T>> /*x_dot*/, Rows<const T> /*theta_dot*/,
                     std::span<const T> /*y_bar*/, std::span<const T> y_bar_dot,
                     std::span<const std::span<T>> x_bar_dot, Rows<T> theta_bar_dot) {
  adjoint(at, k, y_bar_dot, x_bar_dot, theta_bar_dot);
}

}  // namespace eigenscape::linear
