// A reduction (curvature/reduction.hpp) in the letters of the closed form
// (curvature/dense_chain.hpp): layers with fewer inputs and units, and what these are for the
// samples of a group.
//
//   inputs   a' = (a_j of the moving inputs, Qᵀ a of the fixed ones); pre-activations stay those of
//            the network itself
//   units    D, δ, 𝓗, W without what belongs to dead ones, all of which is 0
//   outputs  𝓗' = P 𝓗 P, δ' = P δ, W' = P W of the last layer, without their last row
#pragma once

#include <span>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "curvature/dense_chain.hpp"
#include "curvature/reduction.hpp"

namespace eigenscape {

/// Scratch of one thread.
struct ProjectionScratch {
  std::vector<double> inputs;     // [n, fixed inputs]
  std::vector<double> projected;  // [n, rank]
};

template <typename T>
class ChainReduction {
 public:
  /// `reduction` must outlive the object.
  ChainReduction(const Operator<T>& matrix, const Reduction& reduction);

  [[nodiscard]] const Reduction& reduction() const { return reduction_; }
  /// The layers with fewer inputs and units, and their rows in A'.
  [[nodiscard]] const std::vector<ChainLayer>& layers() const { return layers_; }
  /// W of layer m [its units, units of the layer before]; of the first layer nothing.
  [[nodiscard]] std::span<const T> weights(std::size_t m) const { return weights_[m]; }

  /// a' [n, d] of layer m for its inputs x [n, d of the network].
  void project_inputs(std::size_t m, std::size_t n, std::span<const T> x,
                      ProjectionScratch& scratch, std::span<T> out) const;
  /// D or S ∘ ā [n, h of the network] of layer m → [n, h], in place.
  void keep_units(std::size_t m, std::size_t n, std::span<T> values) const;
  /// 𝓗 [n, h, h] of layer m → 𝓗', in place.
  void keep_hessians(std::size_t m, std::size_t n, std::span<T> hessians) const;
  /// δ [n, h] of layer m → δ'.
  void keep_delta(std::size_t m, std::size_t n, std::span<const T> delta, std::span<T> out) const;

 private:
  struct Layer {
    const ReducedMap* map = nullptr;  // nullptr: no parameter of it is in the matrix
    std::size_t d = 0;                // of the network
    std::size_t h = 0;
    std::vector<std::size_t> units;  // that are kept
    bool contracted = false;
  };
  [[nodiscard]] std::vector<T> weights_of(const Operator<T>& matrix, std::size_t m,
                                          const ChainLayer& full) const;

  const Reduction& reduction_;
  std::vector<Layer> full_;
  std::vector<ChainLayer> layers_;
  std::vector<std::vector<T>> weights_;
};

}  // namespace eigenscape
