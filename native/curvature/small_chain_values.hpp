// What the layers of a small chain hold on a stretch of samples: the recursions of dense_chain.hpp
// from the inputs to the outputs and back. Samples are innermost, so that each step is a loop over
// vectors of samples.
#pragma once

#include <span>
#include <vector>

#include "curvature/operator.hpp"
#include "curvature/small_chain.hpp"

namespace eigenscape {

/// Whether its pointwise functions have curvature.
bool is_bent(const SmallChainLayer& layer);

/// Scratch of one thread, and the values that it computes.
template <typename T>
class SmallChainValues {
 public:
  struct Layer {
    AlignedBuffer<T> a;          // input, with a 1 where there is a bias [inputs, n]
    AlignedBuffer<T> slope;      // D [h, n]
    AlignedBuffer<T> curvature;  // S, then S ∘ ā [h, n]
    AlignedBuffer<T> delta;      // ā, then δ [h, n]
    AlignedBuffer<T> hessian;    // 𝓗 [h, h, n]
    AlignedBuffer<double> a_norm;
    AlignedBuffer<double> delta_norm;
  };

  explicit SmallChainValues(const SmallChain<T>& chain);

  /// Begins a sum over samples.
  void restart() { loss_ = 0; }
  /// All values of one stretch of samples at theta [M], those that only fill it up being 0 in δ and
  /// 𝓗. `residual` asks for S, `curved` for 𝓗. Throws ErrorCode::numeric when outputs are not
  /// finite.
  void evaluate(Term term, std::span<const T> theta, Chunk samples, bool residual, bool curved);

  [[nodiscard]] const std::vector<Layer>& layers() const { return layers_; }
  /// L over the samples since restart().
  [[nodiscard]] double loss() const { return loss_; }

 private:
  void forward(std::span<const T> theta, Chunk samples, bool second);
  void evaluate_loss(Term term, Chunk samples);
  void backward(std::span<const T> theta, bool residual, bool curved);

  const SmallChain<T>& chain_;
  std::size_t n_;  // samples of a stretch, whole vectors
  double loss_ = 0;
  std::vector<Layer> layers_;
  LossPoint<T> loss_point_;
  RowBuffer<T> rows_;
  AlignedBuffer<T> z_;  // [widest, n], in turns with y_
  AlignedBuffer<T> y_;
  AlignedBuffer<T> saved_;    // σ' and σ'' [2, widest, n]
  AlignedBuffer<T> outputs_;  // [n, C]
  AlignedBuffer<T> f_bar_;    // [n, C]
  AlignedBuffer<T> sample_;   // one sample's ∇²ℓ [C, C]
  AlignedBuffer<T> work_;     // 𝓗 W [h, h, n]
};

}  // namespace eigenscape
