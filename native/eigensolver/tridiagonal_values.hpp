// Eigenvalues of a symmetric tridiagonal matrix T by counting how many lie below a point
// (sturm_counts.hpp): brackets are cut until each holds one eigenvalue, or several that are equal
// to rounding, and one that is alone is then found by interpolating det(T − x I) between its ends,
// with the ITP method's guarantee that this takes no more steps than bisection (Oliveira and
// Takahashi 2020, An Enhancement of the Bisection Method Average Performance Preserving Minmax
// Optimality).
//
// Every group of neighbouring eigenvalues is a task of its own: all cores share the work, and the
// bits do not depend on their number. About 14 n² steps of three operations, 32 of them side by
// side on a core with AVX-512; LAPACK's xSTERF takes 10 n² divisions one after the other.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/control.hpp"

namespace eigenscape {

/// All eigenvalues of T with `diagonal` [n] and `subdiagonal` [n − 1], ascending. Error of each a
/// small multiple of ε·‖T‖, ε that of T.
template <typename T>
std::vector<double> tridiagonal_values(std::span<const T> diagonal, std::span<const T> subdiagonal,
                                       const Control& control);

}  // namespace eigenscape
