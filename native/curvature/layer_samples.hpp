// What the layers with parameters make of one chunk of samples, sample by sample: rows from which
// blocks of Σ_n Σ_r (J_nᵀ b_r)(J_nᵀ b_r)ᵀ are built, b_r the rows of a loss's root.
//
//   dense, conv2d  ∂/∂(W, b) = Σ_t δ_t ã_tᵀ: ã_t the input that position t reads with a 1 appended
//                  (a patch; T = 1 for dense layers), δ_t the cotangent of its output
//   batchNorm,     ∂/∂γ_c = Σ_i δ_i x̂_i, ∂/∂β_c = Σ_i δ_i over the entries i of channel c (of
//   layerNorm      layerNorm: one)
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "curvature/selection.hpp"
#include "network/evaluation.hpp"

namespace eigenscape {

/// A dense layer, or one group of a convolution, and its rows of the matrix: (o, j) belongs to the
/// weight of input j, or for j = width to the bias.
struct AffineMap {
  std::size_t node = 0;
  std::size_t outputs = 0;
  std::size_t width = 0;        // inputs of a position
  std::size_t positions = 1;    // T
  std::size_t first_input = 0;  // inputs [first, last) of the width + 1 are in the matrix
  std::size_t last_input = 0;
  std::size_t group = 0;
  std::size_t weight_row = 0;
  std::size_t bias_row = 0;

  [[nodiscard]] std::size_t inputs() const { return last_input - first_input; }
  [[nodiscard]] std::size_t size() const { return outputs * inputs(); }
  /// Row of the matrix of output o and chosen input j.
  [[nodiscard]] std::size_t row(std::size_t o, std::size_t j) const {
    return first_input + j < width ? weight_row + o * width + j : bias_row + o;
  }
};

/// A normalization's vectors γ and β that are in the matrix.
struct ScaleAndShift {
  std::size_t node = 0;
  std::size_t count = 0;  // entries of γ, and of β
  bool scale = false;     // whether γ is in the matrix
  bool shift = false;
  std::size_t scale_row = 0;
  std::size_t shift_row = 0;

  [[nodiscard]] std::size_t size() const { return (scale ? count : 0) + (shift ? count : 0); }
  /// Row of the matrix of entry i of the block.
  [[nodiscard]] std::size_t row(std::size_t i) const {
    return scale && i < count ? scale_row + i : shift_row + (scale ? i - count : i);
  }
};

/// The layers of which `selection`, whole tensors, holds any.
std::vector<AffineMap> affine_maps(const Graph& graph, const ParameterSelection& selection);
std::vector<ScaleAndShift> scales_and_shifts(const Graph& graph,
                                             const ParameterSelection& selection);

template <typename T>
class LayerSamples {
 public:
  LayerSamples(const Graph& graph, std::vector<bool> moves)
      : graph_(graph), evaluation_(graph, std::move(moves)) {}

  Evaluation<T>& evaluation() { return evaluation_; }
  /// Forward, for the samples of a chunk x [n, input size].
  void forward(std::size_t n, std::span<const T> x, std::span<const T> theta,
               const Control& control);
  /// Cotangents of every layer's outputs for rows f_bar [k, n, C].
  void pull_back(std::size_t k, std::span<const T> f_bar);

  /// ã [count · T, inputs] of the samples from `first` on.
  void inputs_of(const AffineMap& map, std::size_t first, std::size_t count, std::span<T> rows);
  /// δ [count · T, outputs] of direction j.
  void cotangents_of(const AffineMap& map, std::size_t j, std::size_t first, std::size_t count,
                     std::span<T> rows);
  /// ∂/∂(γ, β) [n, size] of direction j.
  void gradients_of(const ScaleAndShift& layer, std::size_t j, std::span<T> rows);

 private:
  /// The last array that was asked for, with the entries of a sample side by side.
  struct SampleMajor {
    std::size_t key = 0;  // 0: none
    AlignedBuffer<T> rows;
    std::span<const T> held;
  };
  /// [k, n, size] from `values` in the layout that they have.
  std::span<const T> sample_major(SampleMajor& last, std::size_t key, std::size_t k,
                                  std::size_t size, Layout layout, std::span<const T> values);
  std::span<const T> outputs_bar(std::size_t node);
  std::span<const T> normalized(std::size_t node);

  const Graph& graph_;
  Evaluation<T> evaluation_;
  std::size_t n_ = 0;
  std::size_t k_ = 0;
  SampleMajor input_;
  SampleMajor bar_;
  SampleMajor normalized_;
  AlignedBuffer<T> x_hat_;
  AlignedBuffer<T> saved_;
  AlignedBuffer<T> scratch_;
};

}  // namespace eigenscape
