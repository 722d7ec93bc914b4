// Dense curvature of a small chain of dense layers at many parameter points over one set of data: a
// point is whole on one thread, in scratch that is allocated once.
//
// The recursions are those of dense_chain.hpp. Here samples are innermost everywhere, [rows, n], so
// that each step is a loop over vectors of samples, and a block of the matrix is two products with
// inner dimension n:
//
//   ∂²L / ∂W_m[i,j] ∂W_l[p,q] = Σ_n (a_{m-1}[j] a_{l-1}[q]) · E_{m,l}[p,i]
//                             + Σ_n (δ_m[i] a_{l-1}[q]) · F_{m,l}[p,j]              (l < m)
//
// For l = m the first product alone, symmetric in (j, q) and in (i, p): a quarter of it is
// computed.
#pragma once

#include <span>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "curvature/assembly.hpp"
#include "curvature/operator.hpp"
#include "data/row_source.hpp"
#include "network/graph.hpp"
#include "network/loss.hpp"

namespace eigenscape {

/// One dense layer, the functions after it, and where its scratch begins, in rows of n samples.
struct SmallChainLayer {
  std::size_t d = 0;       // inputs
  std::size_t h = 0;       // units
  std::size_t inputs = 0;  // d, and one more that is always 1 where there is a bias
  std::size_t weight_offset = 0;
  std::size_t bias_offset = 0;
  std::vector<const Node*> pointwise;

  /// Index of the parameter (unit, input), where input d is the bias.
  [[nodiscard]] std::size_t parameter(std::size_t unit, std::size_t input) const {
    return input == d ? bias_offset + unit : weight_offset + unit * d + input;
  }
};

/// What all points share; never changes.
template <typename T>
class SmallChain {
 public:
  /// Whether the scratch of such a problem is small enough for the caches of one core.
  static bool holds(const Graph& graph, std::size_t samples);

  /// All three must outlive it.
  SmallChain(const Graph& graph, const Samples<T>& samples, const Control& control);

  [[nodiscard]] const Graph& graph() const { return graph_; }
  [[nodiscard]] const Samples<T>& samples() const { return samples_; }
  [[nodiscard]] const std::vector<SmallChainLayer>& layers() const { return layers_; }
  [[nodiscard]] double denominator() const { return denominator_; }
  [[nodiscard]] double kept_weight() const { return kept_weight_; }
  /// Samples of a stretch, at most, rounded up to whole vectors.
  [[nodiscard]] std::size_t stretch() const { return stretch_; }
  /// Input of the first dense layer for the stretch that starts at sample `first`: [d, stretch].
  /// The last stretch is filled up with copies of its first sample, which then count for nothing.
  void copy_inputs(std::size_t first, RowBuffer<T>& rows, T* out) const;

 private:
  /// The same, from the data; `out` holds whole vectors.
  void read_inputs(std::size_t first, RowBuffer<T>& rows, T* out) const;

  const Graph& graph_;
  const Samples<T>& samples_;
  const Control& control_;
  std::vector<const Node*> before_;  // pointwise functions of the data
  std::vector<SmallChainLayer> layers_;
  double denominator_ = 0;
  double kept_weight_ = 0;
  std::size_t stretch_ = 0;
  AlignedBuffer<T> inputs_;  // of all stretches, where the data is in memory
};

/// Scratch of one thread, and the matrices that it computes.
template <typename T>
class SmallChainMatrix {
 public:
  explicit SmallChainMatrix(const SmallChain<T>& chain);

  /// Overwrites `matrix` [M, M] with the term at theta [M], symmetric to the bit. Throws
  /// ErrorCode::numeric when outputs or matrix are not finite.
  AssemblyScale assemble(Term term, std::span<const T> theta, std::span<T> matrix);
  /// L at the point of the last call.
  [[nodiscard]] double loss() const { return loss_; }

 private:
  struct Layer {
    AlignedBuffer<T> a;          // input, with a 1 where there is a bias [inputs, n]
    AlignedBuffer<T> slope;      // D [h, n]
    AlignedBuffer<T> curvature;  // S, then S ∘ ā [h, n]
    AlignedBuffer<T> delta;      // ā, then δ [h, n]
    AlignedBuffer<T> hessian;    // 𝓗 [h, h, n]
    AlignedBuffer<double> a_norm;
    AlignedBuffer<double> delta_norm;
  };

  void forward(std::span<const T> theta, std::size_t first, bool second);
  void evaluate_loss(Term term, std::size_t first, std::size_t count);
  void backward(std::span<const T> theta, bool residual, bool curved);
  void add_column(std::span<const T> theta, std::size_t l, bool residual, bool curved,
                  std::span<T> matrix);
  void add_diagonal_block(std::size_t l, std::span<T> matrix);
  void add_block(std::size_t m, std::size_t l, std::span<T> matrix);
  void add_fed_block(std::size_t m, std::size_t l, std::span<T> matrix);
  void add_gradient();
  void subtract_mean(std::span<T> matrix) const;
  double block_magnitude(std::size_t m, std::size_t l, bool curved, bool residual);

  const SmallChain<T>& chain_;
  std::size_t n_;  // samples of a stretch, whole vectors
  std::size_t count_ = 0;
  double loss_ = 0;
  double magnitude_ = 0;
  std::vector<Layer> layers_;
  LossPoint<T> loss_point_;
  RowBuffer<T> rows_;
  AlignedBuffer<T> z_;  // [widest, n], in turns with y_
  AlignedBuffer<T> y_;
  AlignedBuffer<T> saved_;     // σ' and σ'' [2, widest, n]
  AlignedBuffer<T> outputs_;   // [n, C]
  AlignedBuffer<T> f_bar_;     // [n, C]
  AlignedBuffer<T> sample_;    // one sample's ∇²ℓ [C, C]
  AlignedBuffer<T> work_;      // 𝓗 W [h, h, n], or J of the pair before
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
