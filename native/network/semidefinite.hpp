// Whether Hessians of a custom loss have negative eigenvalues.
#pragma once

#include <cstddef>
#include <span>

#include "core/control.hpp"

namespace eigenscape {

/// Whether no matrix of [count, C, C] has a negative eigenvalue beyond rounding: whether A + τI has
/// a Cholesky factor, with τ above the rounding of A's entries and far below what would matter.
template <typename T>
bool all_semidefinite(std::span<const T> matrices, std::size_t outputs, const Control& control);

}  // namespace eigenscape
