// The dense matrix that a reduction leaves of an operator's, and what its eigenvalues are in the
// whole: A = B A' Bᵀ has those of A', with the vectors B v', and zeros.
#pragma once

#include "core/aligned_buffer.hpp"
#include "curvature/assembly.hpp"
#include "eigensolver/dense_symmetric.hpp"
#include "eigensolver/inertia.hpp"
#include "node/dense_way.hpp"

namespace eigenscape::node {

/// The operator's reduction, if the way wants one and there is any.
template <typename T>
const Reduction* reduction_for(const Operator<T>& matrix, const DenseWay& way,
                               const Control& control) {
  return way.reduces ? matrix.reduction(control) : nullptr;
}

template <typename T>
struct LeftMatrix {
  AlignedBuffer<T> entries;  // [n, n]
  AssemblyScale scale;
};

/// A', or A where `reduction` is nullptr.
template <typename T>
LeftMatrix<T> assemble_left(const Operator<T>& matrix, const DenseWay& way,
                            const Reduction* reduction, const Control& control);

/// Refuses what does not fit; n is the order of A', and `range` of its pairs.
template <typename T>
void require_room_for_pairs(const Operator<T>& matrix, const DenseWay& way, std::size_t n,
                            EigenpairRange range);

/// Pairs of A with ascending ranks [first, last), without weight decay. Residual norms hold what
/// the reduction changed.
template <typename T>
DenseEigenpairs<T> compute_eigenpairs(const Operator<T>& matrix, const DenseWay& way,
                                      EigenpairRange range, const Control& control);

/// Eigenvalues of A, without weight decay, below a threshold; the request's assembly error is
/// filled in here.
template <typename T>
EigenvalueCount count_eigenvalues(const Operator<T>& matrix, const DenseWay& way,
                                  CountRequest request, const Control& control);

}  // namespace eigenscape::node
