// Typed calls of the pieces of LAPACK that eigenpairs of a tridiagonal matrix are made of; one
// thread each, the caller's. Vectors are rows.
#pragma once

#include <cstddef>

namespace eigenscape::lapack {

/// All eigenpairs by QL or QR steps (xSTEQR): d [n] becomes the eigenvalues, ascending, e [n − 1]
/// is destroyed; vectors as rows `stride` apart. work [2 n].
template <typename T>
void tridiagonal_by_steps(std::size_t n, T* d, T* e, T* vectors, std::size_t stride, T* work);

/// Two solved halves whose eigenpairs are to be those of the whole (xLAED2, Gu and Eisenstat 1995):
/// D + ρ z zᵀ with those entries taken out that change nothing.
template <typename T>
struct Merge {
  std::size_t order;   // m
  std::size_t first;   // order of the first half
  T* values;           // [m]; on exit those deflated, from `kept` on
  T* vectors;          // rows, `stride` apart; on exit those deflated, from `kept` on
  std::size_t stride;  // between rows of vectors
  int* ranks;          // [m] 1 + the ascending order of each half
  T rho;
  T* z;              // [m]
  T* poles;          // [m] on exit [kept], ascending
  T* weights;        // [m] on exit [kept], z at the poles
  T* halves;         // [m · m] on exit the vectors kept: [top, first], then [bottom, m − first]
  int* permutation;  // [m] on exit [kept], 1 + the pole of each vector in `halves`
  int* integers;     // [3 m]
  // On exit.
  std::size_t kept = 0;
  std::size_t top = 0;           // vectors kept that are not zero in the first half …
  std::size_t bottom = 0;        // … and in the second
  std::size_t bottom_first = 0;  // the first of the latter among the vectors
};
template <typename T>
void deflate(Merge<T>& merge);

/// Root `index` of 1 + ρ Σ z_i² / (d_i − λ) = 0, and d_i − λ for all i in delta [k], of which there
/// may be one or two, too: then it is the eigenvector (xLAED4).
template <typename T>
T secular_root(std::size_t k, std::size_t index, const T* poles, const T* z, T rho, T* delta);

}  // namespace eigenscape::lapack
