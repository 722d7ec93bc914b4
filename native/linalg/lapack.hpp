// Typed calls of LAPACK's symmetric eigensolvers. Matrices are [n, n], symmetric, so that row-major
// and column-major are one; the triangle that LAPACK reads and destroys is the row-major upper one.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace eigenscape::lapack {

/// All eigenvalues, ascending, by one-stage tridiagonalisation (xSYEVD). Destroys a.
template <typename T>
void eigenvalues_one_stage(std::size_t n, std::span<T> a, std::span<T> values);

/// The same by way of a band matrix (xSYEVD_2STAGE): more work, most of it in BLAS-3.
template <typename T>
void eigenvalues_two_stage(std::size_t n, std::span<T> a, std::span<T> values);

/// From a to a tridiagonal matrix of the same eigenvalues (xSYTRD): diagonal [n], subdiagonal [n −
/// 1]. Destroys a. Entries whose squares are out of range are not scaled.
template <typename T>
void tridiagonal_form(std::size_t n, std::span<T> a, std::span<T> diagonal,
                      std::span<T> subdiagonal);

/// All eigenvalues, and eigenvectors as rows in place of a (xSYEVD, divide and conquer).
template <typename T>
void eigenpairs(std::size_t n, std::span<T> a, std::span<T> values);

/// The eigenpairs with ascending ranks [first, last), vectors as rows [last − first, n] (xSYEVR).
/// Destroys the upper triangle and the diagonal of a, and leaves the rest as it was.
template <typename T>
void eigenpairs_in_range(std::size_t n, std::span<T> a, std::size_t first, std::size_t last,
                         std::span<T> values, std::span<T> vectors);

/// A = L D Lᵀ with pivots of order 1 and 2 (xSYTRF, Bunch and Kaufman) in the upper triangle of a,
/// the rest of which stays; `order` [n] as LAPACK has it. A singular D is no failure.
template <typename T>
void factor_symmetric(std::size_t n, std::span<T> a, std::span<int> order);

/// The triangular factor R [columns, columns] of X = Q R in the first rows of x [rows, columns],
/// with rows ≥ columns; the rest is destroyed (DGELQF of Xᵀ).
void triangular_factor(std::size_t rows, std::size_t columns, std::span<double> x);

/// Singular values, descending, of x [rows, columns], which is destroyed; `right` takes the right
/// singular vectors as rows [min(rows, columns), columns], unless it is empty (DGESDD).
void singular_values(std::size_t rows, std::size_t columns, std::vector<double> x,
                     std::span<double> sigma, std::span<double> right);

/// Bytes of workspace that the calls above allocate.
std::size_t eigenvalues_workspace(std::size_t n, std::size_t entry_bytes);
std::size_t eigenpairs_workspace(std::size_t n, std::size_t entry_bytes);
std::size_t range_workspace(std::size_t n, std::size_t entry_bytes);

}  // namespace eigenscape::lapack
