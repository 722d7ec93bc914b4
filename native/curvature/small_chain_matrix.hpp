// Dense curvature of a small chain at many parameter points over one set of data: a point is whole
// on one thread, in scratch that is allocated once.
//
// The values are those of small_chain_values.hpp. Samples are innermost there, so that a block of
// the matrix is two products with inner dimension n:
//
//   ∂²L / ∂W_m[i,j] ∂W_l[p,q] = Σ_n (a_{m-1}[j] a_{l-1}[q]) · E_{m,l}[p,i]
//                             + Σ_n (δ_m[i] a_{l-1}[q]) · F_{m,l}[p,j]              (l < m)
//
// For l = m the first product alone, symmetric in (j, q) and in (i, p): a quarter of it is
// computed.
#pragma once

#include <span>
#include <vector>

#include "curvature/assembly.hpp"
#include "curvature/operator.hpp"
#include "curvature/small_chain_values.hpp"

namespace eigenscape {

/// Scratch of one thread, and the matrices that it computes.
template <typename T>
class SmallChainMatrix {
 public:
  explicit SmallChainMatrix(const SmallChain<T>& chain);

  /// Overwrites `matrix` [M, M] with the term at theta [M], symmetric to the bit. Throws
  /// ErrorCode::numeric when outputs or matrix are not finite.
  AssemblyScale assemble(Term term, std::span<const T> theta, std::span<T> matrix);
  /// L at the point of the last call.
  [[nodiscard]] double loss() const { return values_.loss(); }

 private:
  void add_column(std::span<const T> theta, std::size_t l, bool residual, bool curved,
                  std::span<T> matrix);
  void add_diagonal_block(std::size_t l, std::span<T> matrix);
  void add_block(std::size_t m, std::size_t l, std::span<T> matrix);
  void add_fed_block(std::size_t m, std::size_t l, std::span<T> matrix);
  void add_gradient();
  void subtract_mean(std::span<T> matrix) const;
  double block_magnitude(std::size_t m, std::size_t l, bool curved, bool residual);

  /// What a layer holds on the samples at work.
  [[nodiscard]] const auto& at(std::size_t layer) const { return values_.layers()[layer]; }

  const SmallChain<T>& chain_;
  std::size_t n_;          // samples of a stretch, whole vectors
  std::size_t count_ = 0;  // of those, how many there are
  double magnitude_ = 0;
  SmallChainValues<T> values_;
  AlignedBuffer<T> feed_;      // F [h_l, h_{m-1}, n]
  AlignedBuffer<T> jacobian_;  // J [h_l, h_m, n]
  AlignedBuffer<T> e_;         // E [h_l, h_m, n]
  AlignedBuffer<T> left_;      // products of two values [rows, n]
  AlignedBuffer<T> right_;
  AlignedBuffer<T> block_;     // [rows, columns]
  AlignedBuffer<T> gradient_;  // ∇L [M]
  AlignedBuffer<double> norms_;
};

}  // namespace eigenscape
