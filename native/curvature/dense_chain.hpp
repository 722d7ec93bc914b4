// A chain of dense layers and pointwise functions, and what the closed form of its dense curvature
// needs of every sample (DESIGN: exact dense matrices at matmul speed):
//
//   𝓗_C = ∇²ℓ/N at the output;  𝓗_m = D_m W_{m+1}ᵀ 𝓗_{m+1} W_{m+1} D_m + diag(S_m ∘ ā_m)
//   F_{m,l} = ∂a_{m-1}/∂z_l = D_{m-1} J_{m-1,l};  J_{m,l} = ∂z_m/∂z_l = W_m F_{m,l};  J_{l,l} = I
//   E_{m,l} = 𝓗_m J_{m,l}
//
// with z_m = W_m a_{m-1} + b_m, a_m = σ_m(z_m) (σ_m: all pointwise functions between two dense
// layers), D_m = σ_m'(z_m), S_m = σ_m''(z_m), ā_m = ∂L/∂a_m, δ_m = D_m ∘ ā_m. The terms differ in
// what they keep: H all; G and Fisher drop S and δ; R starts from 𝓗_C = 0; Fisher from ∇ℓ ∇ℓᵀ/N.
#pragma once

#include <memory>
#include <vector>

#include "core/chunked_sum.hpp"
#include "curvature/operator.hpp"
#include "network/evaluation.hpp"

namespace eigenscape {

template <typename T>
class ChainReduction;

/// One dense layer of the chain, where its values are in the graph, and its rows of the matrix. Its
/// inputs are d and a last one that is always 1, whose weights are the bias.
struct ChainLayer {
  std::size_t node = 0;                // index of the dense layer in the graph
  std::size_t d = 0;                   // inputs
  std::size_t h = 0;                   // units
  std::size_t weight_offset = 0;       // of W in the parameters
  std::size_t first_input = 0;         // inputs [first, last) of the d + 1 have weights in the
  std::size_t last_input = 0;          // matrix: none, the d, the bias alone, or all
  std::size_t weight_row = 0;          // of W in the matrix
  std::size_t bias_row = 0;            // of b
  std::vector<std::size_t> pointwise;  // the pointwise layers after it, before the next dense one
  // Of a reduced chain (chain_reduction.hpp), whose d inputs stand for the graph's and the bias:
  // for each the unit of the layer before that it comes from, or kNone.
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::vector<std::size_t> sources;

  [[nodiscard]] std::size_t inputs() const { return last_input - first_input; }
  /// The unit of the layer before that is input j, or kNone: it does not move with that layer.
  [[nodiscard]] std::size_t source(std::size_t j) const {
    if (!sources.empty()) return sources[j];
    return j < d ? j : kNone;
  }
  /// Whether the matrix has rows of this layer.
  [[nodiscard]] bool chosen() const { return last_input > first_input; }
};

/// `selection` holds whole tensors.
std::vector<ChainLayer> chain_layers(const Graph& graph, const ParameterSelection& selection);

/// Arrays over the samples of one stretch, sample innermost: [rows, n].
template <typename T>
struct ChainValues {
  std::size_t first_sample = 0;
  std::size_t n = 0;
  std::vector<AlignedBuffer<T>> a;      // per layer: its input with a 1 appended [d + 1, n]
  std::vector<AlignedBuffer<T>> slope;  // per layer: D [h, n]
  std::vector<AlignedBuffer<T>> delta;  // per layer: δ [h, n]; empty when the term drops it
  std::vector<AlignedBuffer<T>> e;      // per pair of chosen layers: E_{m,l} as [h_l, h_m, n]
  std::vector<AlignedBuffer<T>> f;      // per pair, m ≥ l + 2: F_{m,l} as [h_l, h_{m-1}, n]
  std::vector<AlignedBuffer<unsigned char>> active;  // per layer [h, n]: D ≠ 0 or S ≠ 0
  /// Σ over the blocks (m, l) of ‖a_{l-1}‖ (‖a_{m-1}‖ ‖E_{m,l}‖ + ‖δ_m‖ ‖F_{m,l}‖), off the
  /// diagonal twice [n]: what the entries of one sample's share are made of, before anything
  /// cancels.
  std::vector<double> magnitude;
  bool curved = true;  // false: every 𝓗_m is zero (R of a piecewise linear network)
};

/// Place of the pair m ≥ l in the lists of pairs.
inline std::size_t pair_index(std::size_t m, std::size_t l) { return m * (m + 1) / 2 + l; }

/// Entries that one sample takes in ChainValues.
std::size_t chain_entries_per_sample(const std::vector<ChainLayer>& layers);

/// Samples that one thread carries through the recursion at once.
std::size_t chain_samples_at_once(const std::vector<ChainLayer>& layers, std::size_t entry_bytes);

/// Bytes of scratch that each thread takes in compute_chain_values.
std::size_t chain_scratch_bytes(const std::vector<ChainLayer>& layers, std::size_t entry_bytes);

/// Fills `values` for the samples [first, first + count) of the operator's data; `layers` are the
/// operator's, or those of its reduction.
template <typename T>
void compute_chain_values(const Operator<T>& matrix, const std::vector<ChainLayer>& layers,
                          const ChainReduction<T>* reduction, std::size_t first, std::size_t count,
                          ChainValues<T>& values, const Control& control);

}  // namespace eigenscape
