// Exact zeros of a chain's curvature matrices, taken out before anything is assembled (DESIGN:
// exact zeros). With orthonormal columns in B, A = B A' Bᵀ: the eigenvalues of A are those of A',
// and zeros. Two things make such a B, for H, G, R, Fisher and covariance alike:
//
//   inputs   Of the first dense layer, whose inputs a = [x, 1] no parameter changes: with Q
//            [width, rank] an orthonormal basis of their span, a = Q a' and a' = Qᵀ a. Rows
//            h·width become h·rank. Pre-activations stay those of the network itself.
//   outputs  Under softmax, ∇²ℓ 1 = 0 and 1ᵀ∇ℓ = 0: adding one vector to every row of the last
//            layer changes no loss. With P = I − 2 v vᵀ the reflection that takes 1/√C to −e_C,
//            𝓗' = P 𝓗 P, δ' = P δ, W' = P W without their last row: C − 1 units in place of C.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "curvature/dense_chain.hpp"
#include "linalg/row_space.hpp"

namespace eigenscape {

/// Scratch of one thread.
struct ProjectionScratch {
  std::vector<double> inputs;     // [n, width]
  std::vector<double> projected;  // [n, rank]
};

template <typename T>
class ChainReduction {
 public:
  /// Two passes over the data, for the basis of the inputs and for its error.
  ChainReduction(const Operator<T>& matrix, const Control& control);

  /// Order of A'.
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The layers with fewer inputs and units, and their rows in A'.
  [[nodiscard]] const std::vector<ChainLayer>& layers() const { return layers_; }

  /// The first layer's inputs, where they are reduced.
  [[nodiscard]] const std::optional<RowBasis>& inputs() const { return inputs_; }
  /// C, where outputs are reduced; else 0.
  [[nodiscard]] std::size_t outputs() const { return outputs_; }
  /// max over samples of ‖a − Q a'‖ / ‖a‖, of a' as it is rounded: what was dropped, and rounding.
  [[nodiscard]] double distance() const { return distance_; }
  /// ‖QᵀQ − I‖_F
  [[nodiscard]] double defect() const { return defect_; }

  /// a' [n, rank] for the inputs x [n, d] of the first layer.
  void project_inputs(std::size_t n, std::span<const T> x, ProjectionScratch& scratch,
                      std::span<T> out) const;
  /// 𝓗 [n, C, C] → 𝓗' [n, C − 1, C − 1], in place.
  void contract_hessians(std::size_t n, std::span<T> hessians) const;
  /// The last layer's δ [n, C] → δ' [n, C − 1].
  void contract_outputs(std::size_t n, std::span<const T> delta, std::span<T> out) const;
  /// W' [C − 1, d] of the last layer.
  [[nodiscard]] std::span<const T> output_weights() const { return output_weights_; }

  /// Bᵀ v for v [size of A].
  void restrict_vector(std::span<const T> full, std::span<T> reduced) const;

 private:
  void reduce_inputs(const Operator<T>& matrix, const Control& control);
  void reduce_outputs(const Operator<T>& matrix);
  void number_rows();
  void measure(const Operator<T>& matrix, const Control& control);
  /// Calls action(chunk index, samples, their inputs of the first layer [n, d]).
  template <typename Action>
  void for_inputs(const Operator<T>& matrix, const Control& control, const Action& action) const;
  /// a [n, width] in float64
  void read_inputs(std::size_t n, std::span<const T> x, std::vector<double>& inputs) const;

  std::vector<ChainLayer> full_;
  std::vector<ChainLayer> layers_;
  std::size_t size_ = 0;
  std::optional<RowBasis> inputs_;
  std::size_t outputs_ = 0;
  double distance_ = 0;
  double defect_ = 0;
  std::vector<T> output_weights_;
};

}  // namespace eigenscape
