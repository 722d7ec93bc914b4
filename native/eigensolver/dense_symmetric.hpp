// Eigenvalues and eigenpairs of a dense symmetric matrix.
//
// A row that is zero in every entry is a unit eigenvector with eigenvalue exactly 0: such rows are
// taken out first (dead units and constant inputs make many), and reported as exact zeros.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/control.hpp"

namespace eigenscape {

struct DenseSpectrum {
  std::vector<double> values;  // ascending, all n
  std::size_t exact_zeros = 0;
  double norm = 0;  // ‖A‖_F
};

struct EigenpairRange {
  std::size_t first;  // ascending ranks [first, last)
  std::size_t last;
};

template <typename T>
struct DenseEigenpairs {
  std::vector<double> values;          // ascending
  std::vector<T> vectors;              // rows [values, n], orthonormal
  std::vector<double> residual_norms;  // ‖A v − λ v‖₂, computed with the matrix itself
};

/// All eigenvalues of a [n, n]; destroys it. Error of each at most about n·ε·‖A‖.
template <typename T>
DenseSpectrum symmetric_eigenvalues(std::size_t n, std::span<T> a, const Control& control);

/// Eigenpairs of a [n, n] in a range of ranks; destroys it.
template <typename T>
DenseEigenpairs<T> symmetric_eigenpairs(std::size_t n, std::span<T> a, EigenpairRange range,
                                        const Control& control);

/// Bytes beside the matrix that the two take.
std::size_t symmetric_eigenvalues_workspace(std::size_t n, std::size_t entry_bytes);
std::size_t symmetric_eigenpairs_workspace(std::size_t n, std::size_t entry_bytes,
                                           EigenpairRange range);

}  // namespace eigenscape
