// One Householder reflector: H x = β e₀ with H = I − τ v vᵀ, v₀ = 1.
#pragma once

#include <cmath>
#include <cstddef>
#include <type_traits>

namespace eigenscape {

/// Below this Σ x_i² (i > 0), of a matrix of norm about 1, a column counts as zero already: the
/// squares would underflow, and a reflector made from them would not be orthogonal.
template <typename T>
inline constexpr T kNegligibleSquare = std::is_same_v<T, double> ? T(1e-280) : T(1e-30);

template <typename T>
struct Reflection {
  T tau;
  T beta;
};

/// x [length] becomes v.
template <typename T>
[[gnu::always_inline]] inline Reflection<T> make_reflector(std::size_t length, T* x) {
  // Four sums, so that additions need not wait for one another.
  T squares[4] = {};
  for (std::size_t i = 1; i < length; ++i) squares[i % 4] += x[i] * x[i];
  const T square = (squares[0] + squares[1]) + (squares[2] + squares[3]);
  const T alpha = x[0];
  x[0] = 1;
  if (!(square > kNegligibleSquare<T>)) {
    for (std::size_t i = 1; i < length; ++i) x[i] = 0;
    return {0, alpha};
  }
  const T beta = -std::copysign(std::sqrt(alpha * alpha + square), alpha);
  const T scale = 1 / (alpha - beta);
  for (std::size_t i = 1; i < length; ++i) x[i] *= scale;
  return {(beta - alpha) / beta, beta};
}

}  // namespace eigenscape
