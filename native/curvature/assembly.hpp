// Dense curvature matrices [M, M], symmetric to the bit.
#pragma once

#include <span>

#include "curvature/operator.hpp"
#include "curvature/reduction.hpp"

namespace eigenscape {

/// The ways to a dense matrix.
enum class Route {
  closed_form,  // chains of dense layers and pointwise functions; about N·M² flops
  products      // products with blocks of unit vectors; any graph
};

/// The route that costs less: closed form where the graph allows it.
template <typename T>
Route choose_route(const Operator<T>& matrix);

/// Bytes that assembly of a matrix of that order, the operator's or one that is reduced, needs
/// beside it, at most; the workspace twin of assemble() and assemble_reduced().
template <typename T>
std::size_t assembly_workspace(const Operator<T>& matrix, Route route, std::size_t block,
                               std::size_t order, std::size_t threads);

/// What the rounding errors of a dense matrix are measured against.
struct AssemblyScale {
  /// Σ_n of the sizes that the shares of the samples have before anything cancels; never below
  /// ‖A‖_F.
  double magnitude = 0;
  /// Additions and products behind one entry, at most: samples, and the lengths of all inner
  /// products.
  std::size_t operations = 0;
  /// Norm of what a reduction changed; 0 without one.
  double reduction_error = 0;
};

/// AssemblyScale::operations of an operator made of Kronecker products.
template <typename T>
std::size_t kronecker_operations(const Operator<T>& curvature);

/// Overwrites `matrix` [size, size] with the term, without weight decay: λ moves all eigenvalues
/// alike, and is added to them, or to the diagonal, afterwards. `block` is the number of unit
/// vectors at once in Route::products. Throws ErrorCode::spec if the graph is no chain and the
/// closed form is asked for.
template <typename T>
AssemblyScale assemble(const Operator<T>& curvature, Route route, std::size_t block,
                       std::span<T> matrix, const Control& control);

/// The same with weight decay: the operator's whole matrix.
template <typename T>
void assemble_with_decay(const Operator<T>& curvature, Route route, std::size_t block,
                         std::span<T> matrix, const Control& control);

/// Overwrites `matrix` [reduction.size(), reduction.size()] with A' = BᵀAB, by the closed form or
/// by products with the columns of B.
template <typename T>
AssemblyScale assemble_reduced(const Operator<T>& curvature, const Reduction& reduction,
                               Route route, std::size_t block, std::span<T> matrix,
                               const Control& control);

}  // namespace eigenscape
