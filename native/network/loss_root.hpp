// Roots of a loss's curvature in the outputs: rows b_r [C] of sample n, with which
//
//   exact        Σ_r b_r b_rᵀ = scale_n ∇²ℓ_n          C − 1 rows for softmax, else C
//   monte_carlo  E Σ_r b_r b_rᵀ = scale_n ∇²ℓ_n        a row for each label drawn
//   empirical    b bᵀ = scale_n ∇ℓ_n ∇ℓ_nᵀ             one row
//
// so that Σ_n Σ_r (J_nᵀ b_r)(J_nᵀ b_r)ᵀ is G, an unbiased estimate of it, or the empirical Fisher.
//
// exact: with B = diag√p − √p·pᵀ, BᵀB = diag p − p pᵀ and √pᵀB = 0. A Householder step that takes
// √p to −e_t (t the most probable class) leaves the other rows, α = √p_t / (1 + √p_t):
//
//   b_c = √(scale Q p_c) (e_c − p − α (e_t − p)), c ≠ t
//
// monte_carlo: labels come from the distribution that e^−ℓ is in proportion to. A row is the
// gradient of ℓ for such a label, and for the sum to be G in expectation
//
//   softmax        y ~ p; b = √(scale Q / r) (p − e_y): Q, in which class weights and smoothing
//                  enter by the given label, is that of ∇²ℓ; drawn labels do not change it
//   squared error  t ~ N(f, C/2); ∇ℓ = −(2/C)(t − f), b = √(scale · 2/(C r)) z
//   binary         t ~ Bernoulli(σ(f)); ∇ℓ = (σ(f) − t)/C has C times too little variance, since ℓ
//                  is a mean over C independent outputs: b = √(scale / (C r)) (σ(f) − t)
#pragma once

#include <cstdint>
#include <span>

#include "network/loss.hpp"

namespace eigenscape {

enum class RootKind { exact, monte_carlo, empirical };

struct LossRoot {
  RootKind kind = RootKind::exact;
  std::size_t draws = 1;
  std::uint64_t seed = 0;  // of the draws, which are a function of it and the sample's place
};

/// Rows of a sample. Throws ErrorCode::spec for a custom loss, unless `root` is empirical.
std::size_t root_rows(const LossRoot& root, LossKind loss, std::size_t outputs);

/// Rows [first, first + count) of the samples of a chunk, as [count, n, C]. `loss` was evaluated at
/// the outputs f [n, C] of the samples from `first_sample` on.
template <typename T>
void compute_root_rows(const LossRoot& root, const LossPoint<T>& loss, std::span<const T> f,
                       std::size_t first_sample, std::size_t first, std::size_t count,
                       std::span<T> rows);

/// What drawn labels make of ∇²ℓ in one chunk: M_n = Σ_r b_r b_rᵀ.
template <typename T>
class DrawnHessians {
 public:
  /// As compute_root_rows, for all draws.
  void draw(const LossRoot& root, const LossPoint<T>& loss, std::span<const T> f,
            std::size_t first_sample);
  /// out = M_n v for v [k, n, C].
  void apply(std::size_t k, std::span<const T> v, std::span<T> out) const;
  /// out = M_n of sample n of the chunk [C, C].
  void matrix_of(std::size_t n, std::span<T> out) const;

 private:
  std::size_t n_ = 0;
  std::size_t outputs_ = 0;
  std::size_t rows_ = 0;       // as many as labels, or 0 where those outnumber the outputs
  AlignedBuffer<T> roots_;     // [rows, n, C]
  AlignedBuffer<T> matrices_;  // or M_n [n, C, C]
};

}  // namespace eigenscape
