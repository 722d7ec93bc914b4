// The losses: ℓ_n, ∇ℓ_n and ∇²ℓ_n in the outputs f of one sample, as PyTorch defines them.
//
// L = Σ s_n ℓ_n / Σ s_n κ_n with s_n the sample weight; κ_n = w_y for a class y, 1 for a row of
// targets, 0 for an ignored sample. `scale` below is s_n / Σ s κ, over the whole data.
//
//   softmax cross-entropy  ℓ = −Σ_c q_c log p_c, q_c = w_c ((1−ε) t_c + ε/C)
//                          ∇ℓ = Q p − q, ∇²ℓ = Q (diag p − p pᵀ) with Q = Σ q
//   mean squared error     ℓ = Σ_c (f_c − t_c)² / C
//   binary cross-entropy   ℓ = Σ_c (log(1 + e^f_c) − t_c f_c) / C
//   custom                 whatever functions in TypeScript say, with κ = 1: at a fixed point its
//                          derivatives come as a table
#pragma once

#include <span>
#include <vector>

#include "core/chunked_sum.hpp"
#include "network/samples.hpp"
#include "network/softmax.hpp"

namespace eigenscape {

enum class LossKind { softmax_cross_entropy, mean_squared_error, binary_cross_entropy, custom };

struct LossSpec {
  LossKind kind = LossKind::softmax_cross_entropy;
  std::vector<double> class_weights;  // [C], or empty
  double label_smoothing = 0;
};

/// Derivatives of a custom loss at the outputs of every sample: its functions run once a sample.
template <typename T>
struct LossTable {
  AlignedBuffer<T> gradients;  // ∇ℓ_n [N, C]
  AlignedBuffer<T> hessians;  // ∇²ℓ_n, symmetric to the bit [N, C, C]; empty where no term needs it
  bool convex = true;         // no ∇²ℓ_n has a negative eigenvalue beyond rounding
};

/// Σ s_n κ_n over the samples of `range`; throws ErrorCode::data when it is 0.
template <typename T>
double loss_denominator(const LossSpec& loss, const Samples<T>& samples, Chunk range);

/// The loss at the outputs of one chunk.
template <typename T>
class LossPoint {
 public:
  /// f is [n, C] for the samples of the chunk; `table`, of all samples, is there for a custom loss
  /// and lives as long as this point. Throws ErrorCode::numeric if an output is not finite.
  void evaluate(const LossSpec& loss, const Samples<T>& samples, Chunk chunk, std::size_t outputs,
                double denominator, std::span<const T> f, const LossTable<T>* table = nullptr);

  /// Σ s_n ℓ_n over the chunk; 0 for a custom loss, whose values its table does not hold.
  [[nodiscard]] double value() const { return value_; }
  /// Σ s_n over the samples that are not ignored, and over those of them predicted right.
  [[nodiscard]] double kept() const { return kept_; }
  [[nodiscard]] double correct() const { return correct_; }
  /// ∇ℓ_n, unscaled [n, C].
  [[nodiscard]] std::span<const T> gradient() const { return gradient_.span(); }
  /// s_n / Σ s κ [n].
  [[nodiscard]] std::span<const T> scale() const { return scale_.span(); }
  [[nodiscard]] LossKind kind() const { return kind_; }
  [[nodiscard]] std::size_t outputs() const { return outputs_; }
  // Of softmax: p [n, C], the most probable class [n], and Q [n].
  [[nodiscard]] std::span<const double> probabilities() const { return softmax_.probabilities(); }
  [[nodiscard]] std::span<const std::size_t> top() const { return softmax_.top(); }
  [[nodiscard]] std::span<const T> mass() const { return mass_.span(); }

  /// out = scale_n ∇ℓ_n [n, C]
  void scaled_gradient(std::span<T> out) const;
  /// out = scale_n ∇²ℓ_n v for v [k, n, C]
  void apply_hessian(std::size_t k, std::span<const T> v, std::span<T> out) const;
  /// out = scale_n ∇ℓ_n (∇ℓ_nᵀ v − shift_j) for v [k, n, C]: the empirical Fisher; shift [k] is
  /// ḡᵀv for the covariance of the gradients, or empty.
  void apply_fisher(std::size_t k, std::span<const T> v, std::span<const T> shift,
                    std::span<T> out) const;
  /// out = scale_n ∇²ℓ_n, or scale_n ∇ℓ_n ∇ℓ_nᵀ, of sample n of the chunk [C, C].
  void hessian_of(std::size_t n, std::span<T> out) const;
  void fisher_of(std::size_t n, std::span<T> out) const;

 private:
  void softmax_entropy(const LossSpec& loss, const Samples<T>& samples, Chunk chunk,
                       std::span<const T> f);
  void squared_error(const Samples<T>& samples, Chunk chunk, std::span<const T> f);
  void binary(const Samples<T>& samples, Chunk chunk, std::span<const T> f);
  void tabulated(const Samples<T>& samples, Chunk chunk, const LossTable<T>* table);
  double class_sample(std::size_t label, std::span<const T> f, std::size_t i);
  double softmax_sample(std::span<const double> q, std::span<const T> f, std::size_t i);

  LossKind kind_ = LossKind::softmax_cross_entropy;
  std::size_t n_ = 0;
  std::size_t outputs_ = 0;
  double value_ = 0;
  double kept_ = 0;
  double correct_ = 0;
  AlignedBuffer<T> gradient_;
  AlignedBuffer<T> scale_;
  AlignedBuffer<T> curvature_;          // p for softmax, else the diagonal of ∇²ℓ [n, C]
  AlignedBuffer<T> mass_;               // Q for softmax [n]
  std::span<const T> table_;            // ∇²ℓ of a custom loss [n, C, C], or empty
  std::vector<double> target_weights_;  // q of one sample [C]
  Softmax softmax_;
};

}  // namespace eigenscape
