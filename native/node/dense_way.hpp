// How a dense matrix is to be had, as JavaScript says it, and the memory that this takes.
#pragma once

#include <napi.h>

#include <algorithm>
#include <string>

#include "core/error.hpp"
#include "core/thread_pool.hpp"
#include "curvature/assembly.hpp"
#include "curvature/gram.hpp"
#include "eigensolver/dense_symmetric.hpp"
#include "node/convert.hpp"

namespace eigenscape::node {

inline constexpr const char* kMatrixAdvice =
    "extremalEigenpairs(operator, …) and spectralDensity(operator, …) need no matrix, "
    "nor do products with vectors: operator.apply(vectors, count)";

/// Bytes that are taken without a look at what is free, which takes as long as eigenvalues do at
/// n = 30.
inline constexpr std::size_t kUnasked = std::size_t{4} << 20U;

inline std::string describe_matrix(std::size_t n) {
  return "a dense matrix of order " + std::to_string(n);
}

enum class GramUse { never, where_smaller, always };

struct DenseWay {
  Route route;
  std::size_t block;              // unit vectors at once
  bool reduces;                   // of eigenvalues, eigenpairs and counts
  GramUse gram = GramUse::never;  // of eigenvalues
};

inline const char* name_of(Route route) {
  return route == Route::closed_form ? "closedForm" : "products";
}

/// { via: 'auto' | 'closedForm' | 'products' | 'gram', blockSize, reduce: 'exact' | false }
template <typename T>
DenseWay to_way(const Operator<T>& matrix, const Napi::Object& object) {
  const std::string via = string_of(object, "via");
  const std::size_t block = size_of(object.Get("blockSize"));
  if (block == 0) throw Error(ErrorCode::spec, "blockSize must be at least 1");
  const bool reduces = object.Get("reduce").IsString();
  if (via == "closedForm") return {Route::closed_form, block, reduces};
  if (via == "products") return {Route::products, block, reduces};
  const Route route = choose_route(matrix);
  const GramUse gram = via == "gram" ? GramUse::always
                       : reduces     ? GramUse::where_smaller
                                     : GramUse::never;
  return {route, block, reduces, gram};
}

/// Bytes at the peak of assembleOperator, of operatorEigenvalues, and of a block of products. n is
/// the order of the matrix that is left where the reduction has taken its part.
template <typename T>
std::size_t workspace_of(const Operator<T>& matrix, const DenseWay& way, std::size_t n) {
  return assembly_workspace(matrix, way.route, way.block, n, default_thread_count());
}
template <typename T>
std::size_t matrix_bytes(const Operator<T>& matrix, const DenseWay& way, std::size_t n) {
  return n * n * sizeof(T) + workspace_of(matrix, way, n);
}
template <typename T>
std::size_t eigenvalues_bytes(const Operator<T>& matrix, const DenseWay& way, std::size_t n) {
  return n * n * sizeof(T) +
         std::max(workspace_of(matrix, way, n), symmetric_eigenvalues_workspace(n, sizeof(T)));
}
/// The Gram matrix in place of the matrix.
template <typename T>
std::size_t gram_bytes(const Operator<T>& matrix, std::size_t rows) {
  return rows * rows * sizeof(T) + std::max(gram_workspace(matrix, default_thread_count()),
                                            symmetric_eigenvalues_workspace(rows, sizeof(T)));
}

/// Rows of the Gram matrix where eigenvalues are to come from it, else 0: fewer than the n that are
/// left otherwise, in no more memory, beyond what nobody would miss.
template <typename T>
std::size_t gram_rows_for(const Operator<T>& matrix, const DenseWay& way, std::size_t n) {
  if (way.gram == GramUse::never) return 0;
  const std::size_t rows = gram_rows(matrix);
  if (way.gram == GramUse::always) {
    if (rows > 0) return rows;
    throw Error(ErrorCode::spec,
                "via: 'gram' is for sums of squares: gaussNewton and monteCarloFisher of a loss "
                "that the library knows, empiricalFisher and gradientCovariance; use via: 'auto' "
                "here");
  }
  const bool smaller = rows > 0 && rows < n;
  const std::size_t allowed = std::max(eigenvalues_bytes(matrix, way, n), kUnasked);
  return smaller && gram_bytes(matrix, rows) <= allowed ? rows : 0;
}

template <typename T>
std::size_t products_bytes(const Operator<T>& matrix, std::size_t count) {
  return 2 * count * matrix.size() * sizeof(T) +
         matrix.apply_workspace(count, default_thread_count());
}

}  // namespace eigenscape::node
