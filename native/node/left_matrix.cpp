#include "node/left_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/memory.hpp"

namespace eigenscape::node {
namespace {

template <typename T>
double norm_of(std::span<const T> entries) {
  double sum = 0;
  for (const T entry : entries) sum += static_cast<double>(entry) * static_cast<double>(entry);
  return std::sqrt(sum);
}

/// Ascending ranks [first, last) of the whole, from [inner.first, inner.last) of A': below zero
/// they are the same, then come the zeros, and the others follow these.
struct Merged {
  std::size_t inner_first;  // rank in A' of the first value that is known
  std::size_t negative;     // of those known
  std::size_t zeros;
  EigenpairRange range;

  struct Part {
    std::size_t from;  // place among the values known
    std::size_t count;
  };
  [[nodiscard]] Part cut(std::size_t first, std::size_t last, std::size_t from) const {
    const std::size_t begin = std::clamp(range.first, first, last);
    const std::size_t end = std::clamp(range.last, begin, last);
    return {from + (begin - first), end - begin};
  }
  [[nodiscard]] Part below() const { return cut(inner_first, inner_first + negative, 0); }
  [[nodiscard]] std::size_t zero_count() const {
    const std::size_t first = inner_first + negative;
    return cut(first, first + zeros, 0).count;
  }
  [[nodiscard]] Part above(std::size_t known) const {
    const std::size_t first = inner_first + negative + zeros;
    return cut(first, first + known - negative, negative);
  }
};

/// Appends B v' of the pairs in `part`.
template <typename T>
void append_pairs(const Reduction& reduction, const DenseEigenpairs<T>& found, Merged::Part part,
                  double lost, DenseEigenpairs<T>& pairs, const Control& control) {
  const std::size_t n = reduction.size();
  const std::size_t m = reduction.full_size();
  const std::span<const T> inner = std::span(found.vectors).subspan(part.from * n, part.count * n);
  const std::span<T> whole =
      std::span(pairs.vectors).subspan(pairs.values.size() * m, part.count * m);
  reduction.extend_vectors<T>(part.count, inner, whole, control);
  for (std::size_t i = part.from; i < part.from + part.count; ++i) {
    pairs.values.push_back(found.values[i]);
    pairs.residual_norms.push_back(found.residual_norms[i] + lost);
  }
}

template <typename T>
DenseEigenpairs<T> extend_pairs(const Reduction& reduction, const DenseEigenpairs<T>& found,
                                std::size_t inner_first, EigenpairRange range, double lost,
                                const Control& control) {
  const auto negative =
      static_cast<std::size_t>(std::ranges::lower_bound(found.values, 0.0) - found.values.begin());
  const Merged merged{inner_first, negative, reduction.full_size() - reduction.size(), range};
  const std::size_t m = reduction.full_size();
  DenseEigenpairs<T> pairs;
  pairs.vectors.resize((range.last - range.first) * m);
  append_pairs(reduction, found, merged.below(), lost, pairs, control);
  const std::size_t zeros = merged.zero_count();
  reduction.null_vectors<T>(
      zeros, std::span(pairs.vectors).subspan(pairs.values.size() * m, zeros * m), control);
  pairs.values.insert(pairs.values.end(), zeros, 0.0);
  pairs.residual_norms.insert(pairs.residual_norms.end(), zeros, lost);
  append_pairs(reduction, found, merged.above(found.values.size()), lost, pairs, control);
  return pairs;
}

}  // namespace

template <typename T>
LeftMatrix<T> assemble_left(const Operator<T>& matrix, const DenseWay& way,
                            const Reduction* reduction, const Control& control) {
  const std::size_t n = reduction == nullptr ? matrix.size() : reduction->size();
  LeftMatrix<T> left{AlignedBuffer<T>(n * n), {}};
  const std::span<T> entries = left.entries.span();
  left.scale = reduction == nullptr ? assemble<T>(matrix, way.route, way.block, entries, control)
                                    : assemble_reduced<T>(matrix, *reduction, way.route, way.block,
                                                          entries, control);
  return left;
}

template <typename T>
void require_room_for_pairs(const Operator<T>& matrix, const DenseWay& way, std::size_t n,
                            EigenpairRange range) {
  const std::size_t count = range.last - range.first;
  const std::size_t solving =
      n * n * sizeof(T) +
      std::max(workspace_of(matrix, way, n), symmetric_eigenpairs_workspace(n, sizeof(T), range));
  // The vectors of A' beside those of A, twice: one is JavaScript's.
  const std::size_t extending =
      n < matrix.size() ? (count * n + 2 * (count + matrix.size() - n) * matrix.size()) * sizeof(T)
                        : 0;
  require_memory(std::max(solving, extending), "eigenpairs of " + describe_matrix(n),
                 kMatrixAdvice);
}

template <typename T>
DenseEigenpairs<T> compute_eigenpairs(const Operator<T>& matrix, const DenseWay& way,
                                      EigenpairRange range, const Control& control) {
  const Reduction* const reduction = reduction_for(matrix, way, control);
  if (reduction == nullptr) {
    require_room_for_pairs(matrix, way, matrix.size(), range);
    LeftMatrix<T> whole = assemble_left<T>(matrix, way, nullptr, control);
    return symmetric_eigenpairs<T>(matrix.size(), whole.entries.span(), range, control);
  }
  const std::size_t n = reduction->size();
  const std::size_t zeros = matrix.size() - n;
  // Zeros may be before a rank, or none.
  const EigenpairRange inner{range.first - std::min(range.first, zeros), std::min(range.last, n)};
  require_room_for_pairs(matrix, way, n, inner);
  double lost = 0;
  DenseEigenpairs<T> found;
  {
    LeftMatrix<T> left = assemble_left(matrix, way, reduction, control);
    // The entries of B v' are rounded, and A − λ multiplies what that changes.
    constexpr double kRoundings = 4 * static_cast<double>(std::numeric_limits<T>::epsilon());
    lost = left.scale.reduction_error;
    if (reduction->rounds()) lost += kRoundings * norm_of<T>(left.entries.span());
    found = symmetric_eigenpairs<T>(n, left.entries.span(), inner, control);
  }
  return extend_pairs(*reduction, found, inner.first, range, lost, control);
}

template <typename T>
EigenvalueCount count_eigenvalues(const Operator<T>& matrix, const DenseWay& way,
                                  CountRequest request, const Control& control) {
  const Reduction* const reduction = reduction_for(matrix, way, control);
  const std::size_t n = reduction == nullptr ? matrix.size() : reduction->size();
  require_memory(matrix_bytes(matrix, way, n), describe_matrix(n), kMatrixAdvice);
  LeftMatrix<T> left = assemble_left(matrix, way, reduction, control);
  request.assembly_error = static_cast<double>(std::numeric_limits<T>::epsilon()) *
                               static_cast<double>(left.scale.operations) * left.scale.magnitude +
                           left.scale.reduction_error;
  EigenvalueCount count = count_eigenvalues_below<T>(n, left.entries.span(), request, control);
  // The zeros lie as near to their place as the others.
  const std::size_t zeros = matrix.size() - n;
  if (0 < count.threshold - count.uncertainty) count.lower += zeros;
  if (0 < count.threshold + count.uncertainty) count.upper += zeros;
  return count;
}

template LeftMatrix<double> assemble_left<double>(const Operator<double>&, const DenseWay&,
                                                  const Reduction*, const Control&);
template LeftMatrix<float> assemble_left<float>(const Operator<float>&, const DenseWay&,
                                                const Reduction*, const Control&);
template void require_room_for_pairs<double>(const Operator<double>&, const DenseWay&, std::size_t,
                                             EigenpairRange);
template void require_room_for_pairs<float>(const Operator<float>&, const DenseWay&, std::size_t,
                                            EigenpairRange);
template DenseEigenpairs<double> compute_eigenpairs<double>(const Operator<double>&,
                                                            const DenseWay&, EigenpairRange,
                                                            const Control&);
template DenseEigenpairs<float> compute_eigenpairs<float>(const Operator<float>&, const DenseWay&,
                                                          EigenpairRange, const Control&);
template EigenvalueCount count_eigenvalues<double>(const Operator<double>&, const DenseWay&,
                                                   CountRequest, const Control&);
template EigenvalueCount count_eigenvalues<float>(const Operator<float>&, const DenseWay&,
                                                  CountRequest, const Control&);

}  // namespace eigenscape::node
