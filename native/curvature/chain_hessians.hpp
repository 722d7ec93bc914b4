// Evaluation of a chain at some samples: the derivatives D and S ∘ ā of its pointwise functions,
// and the 𝓗 of its layers (dense_chain.hpp has the letters), for one thread.
#pragma once

#include <vector>

#include "core/chunked_sum.hpp"
#include "curvature/dense_chain.hpp"

namespace eigenscape {

/// Whether the term has the products with δ and S.
inline bool keeps_residual(Term term) { return term == Term::hessian || term == Term::residual; }

/// Whether any 𝓗 is not zero: R of a piecewise linear network has none.
template <typename T>
bool is_curved(const Operator<T>& matrix, const std::vector<ChainLayer>& layers);

/// Scratch of one thread for its samples.
template <typename T>
struct ChainScratch {
  explicit ChainScratch(const Graph& graph) : evaluation(graph) {}
  Evaluation<T> evaluation;
  LossPoint<T> loss;
  RowBuffer<T> rows;
  DrawnHessians<T> drawn;
  AlignedBuffer<T> f_bar;
  std::vector<AlignedBuffer<T>> slope;      // per layer: D [n, h]
  std::vector<AlignedBuffer<T>> curvature;  // per layer: S ∘ ā [n, h]; empty when dropped
  std::vector<AlignedBuffer<T>> hessian;    // per layer: 𝓗 [n, h, h]
  AlignedBuffer<T> product;                 // 𝓗_{m+1} W_{m+1} [n, h_{m+1}, h_m]
  AlignedBuffer<T> jacobian;                // J_{m,l}ᵀ [n, h_l, h_m]
  AlignedBuffer<T> feed;                    // F_{m,l}ᵀ [n, h_l, h_{m-1}]
  AlignedBuffer<T> e;                       // E_{m,l}ᵀ [n, h_l, h_m]
};

template <typename T>
std::span<const T> chain_weights(const Operator<T>& matrix, const ChainLayer& layer) {
  return matrix.theta().subspan(layer.weight_offset, layer.h * layer.d);
}

/// Fills `scratch` but for what the columns of the dense matrix need: the evaluation, loss, slope,
/// curvature and, where `curved`, 𝓗 of every layer from the output back to the first that is
/// chosen.
template <typename T>
void evaluate_chain(const Operator<T>& matrix, const std::vector<ChainLayer>& layers, Chunk chunk,
                    bool curved, ChainScratch<T>& scratch, const Control& control);

}  // namespace eigenscape
