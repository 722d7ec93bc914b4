// How many eigenvalues of a symmetric matrix lie below a threshold, proven by inertia.
//
// A − σI + E = P L D Lᵀ Pᵀ (Bunch and Kaufman 1977) has as many negative eigenvalues as D
// (Sylvester), and ‖E‖ ≤ η is known once the factors are (Higham 2002, theorem 11.3). With e ≥ ‖Â −
// A‖ for the matrix Â that was assembled, the count at σ = τ − δ is at most that of the eigenvalues
// of A below τ, and the count at σ = τ + δ at least that, as long as η + e ≤ δ.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "core/control.hpp"

namespace eigenscape {

struct CountRequest {
  double shift = 0;
  /// τ = shift − tolerance; without it the tolerance is 2δ, so that eigenvalues at the shift are
  /// certainly not below.
  std::optional<double> tolerance;
  double assembly_error = 0;  // e
};

struct EigenvalueCount {
  std::size_t lower = 0;  // ascending ranks below it are below τ; those from `upper` on are not
  std::size_t upper = 0;
  double threshold = 0;    // τ
  double uncertainty = 0;  // δ: eigenvalues of ranks [lower, upper) are within τ ± 2δ
};

/// Overwrites a [n, n], symmetric. Two factorisations of n³/3 multiplications each, on one thread;
/// beside a it needs a vector.
template <typename T>
EigenvalueCount count_eigenvalues_below(std::size_t n, std::span<T> a, const CountRequest& request,
                                        const Control& control);

}  // namespace eigenscape
