// A curvature matrix as a linear operator: products with blocks of vectors, at a fixed point.
//
//   hessian              Σ s_n ∇²ℓ_n(w) / Σ s κ = gauss_newton + residual
//   gauss_newton         Σ s_n J_nᵀ ∇²ℓ_n J_n / Σ s κ        (eq. 4 of Sagun et al., first term)
//   residual             Σ s_n Σ_c ∂ℓ_n/∂f_c ∇²f_nc / Σ s κ  (second term)
//   empirical_fisher     Σ s_n ∇ℓ_n ∇ℓ_nᵀ / Σ s κ
//   monte_carlo_fisher   the same with labels drawn from the model: G in expectation
//   kfac, ekfac          Kronecker products in place of the layers' blocks
//                        (curvature/kronecker.hpp)
//   gradient_covariance  Σ s_n (∇ℓ_n − ḡ)(∇ℓ_n − ḡ)ᵀ / Σ s κ, ḡ = Σ s_n ∇ℓ_n / Σ s_n (samples
//                        not ignored)
//   class_means … same_class  the four parts of gauss_newton by class pairs
//                        (curvature/class_pairs.hpp)
//
// or the diagonal block of some parameters, plus λI.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/control.hpp"
#include "curvature/selection.hpp"
#include "network/graph.hpp"
#include "network/loss_root.hpp"
#include "network/network.hpp"

namespace eigenscape {

enum class Term {
  hessian,
  gauss_newton,
  residual,
  empirical_fisher,
  gradient_covariance,
  monte_carlo_fisher,
  kfac,
  ekfac,
  class_means,
  cross_class_means,
  within_cross_class,
  same_class
};

/// One of the parts of gauss_newton by class pairs: no sum over samples of a matrix of each.
inline bool is_class_pair_term(Term term) {
  return term == Term::class_means || term == Term::cross_class_means ||
         term == Term::within_cross_class || term == Term::same_class;
}

/// How Kronecker factors of a convolution deal with its positions, see curvature/kronecker.hpp.
enum class Positions { expand, reduce };

template <typename T>
class KroneckerMatrix;
class Reduction;

/// A diagonal block in place of the whole matrix, λ of λI added to it, and the labels drawn.
struct OperatorOptions {
  std::optional<std::vector<std::pair<std::size_t, std::size_t>>> ranges;  // of parameters
  double weight_decay = 0;
  LossRoot root;
  Positions positions = Positions::expand;
};

class ClassPairMoments;

template <typename T>
class Products;

template <typename T>
class Operator {
 public:
  Operator(std::shared_ptr<const Graph> graph, Parameters<T> theta,
           std::shared_ptr<const Samples<T>> samples, Term term, OperatorOptions options = {});
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;
  ~Operator();

  [[nodiscard]] const Graph& graph() const { return *graph_; }
  [[nodiscard]] const std::shared_ptr<const Graph>& shared_graph() const { return graph_; }
  [[nodiscard]] std::span<const T> theta() const { return *theta_; }
  [[nodiscard]] const Samples<T>& samples() const { return *samples_; }
  [[nodiscard]] Term term() const { return term_; }
  /// M, or the parameters of the block.
  [[nodiscard]] std::size_t size() const { return selection_.size(); }
  [[nodiscard]] const ParameterSelection& selection() const { return selection_; }
  /// λ: the matrix is that of the term plus λI.
  [[nodiscard]] double weight_decay() const { return options_.weight_decay; }
  /// What stands for ∇²ℓ in the terms that factor it.
  [[nodiscard]] const LossRoot& root() const { return options_.root; }
  [[nodiscard]] Positions positions() const { return options_.positions; }
  /// What it was made with.
  [[nodiscard]] const OperatorOptions& options() const { return options_; }
  [[nodiscard]] bool is_kronecker() const { return term_ == Term::kfac || term_ == Term::ekfac; }
  /// Whether closed forms hold for it: a chain of dense layers, and a matrix for each sample.
  [[nodiscard]] bool has_closed_form() const {
    return graph_->is_dense_chain() && !is_class_pair_term(term_);
  }
  /// The factors of K-FAC or EKFAC, computed at the first call.
  const KroneckerMatrix<T>& kronecker(const Control& control) const;
  /// What leaves the matrix exactly, computed at the first call; nullptr for Kronecker products,
  /// and where nothing leaves.
  const Reduction* reduction(const Control& control) const;
  /// Σ s_n κ_n over the data.
  [[nodiscard]] double denominator() const { return denominator_; }

  /// Derivatives of a custom loss, set once, before anything is computed.
  void set_loss_table(std::shared_ptr<const LossTable<T>> table);
  /// nullptr for the losses that the engine knows; throws ErrorCode::internal while it is missing.
  [[nodiscard]] const LossTable<T>* loss_table() const;
  /// Whether every ∇²ℓ_n is positive semidefinite, so that G is, and has a factor SᵀS.
  [[nodiscard]] bool has_convex_loss() const;

  /// out [k, size] = A v for v [k, size]. Cost per sample and vector: about 2 (G) or 4 (H) times a
  /// gradient's. Throws ErrorCode::numeric when a result is not finite.
  void apply(std::size_t k, std::span<const T> v, std::span<T> out, const Control& control) const;
  /// The same without λv.
  void apply_term(std::size_t k, std::span<const T> v, std::span<T> out,
                  const Control& control) const;

  /// Moments of δ_icc'ᵀv for v [k, size]: a tangent pass for each. Throws ErrorCode::spec for
  /// another loss, or targets that are no classes.
  [[nodiscard]] ClassPairMoments class_pairs(std::size_t k, std::span<const T> v,
                                             const Control& control) const;

  /// Bytes that the first product leaves behind for the next ones, unless memory is short.
  [[nodiscard]] std::size_t kept_bytes() const;

  /// Bytes that apply() needs beside v and out, at most, what it keeps included; its twin.
  [[nodiscard]] std::size_t apply_workspace(std::size_t k, std::size_t threads) const;

  /// ḡ [size], computed at the first call.
  std::span<const T> mean_gradient(const Control& control) const;
  /// Σ s_n over the samples that are not ignored.
  [[nodiscard]] double kept_weight() const;

 private:
  /// ∇L [M]
  std::vector<T> gradient(const Control& control) const;
  /// The products for a few vectors, whose partial sums are in memory at once.
  void apply_block(std::size_t k, std::span<const T> v, std::span<T> out, std::span<const T> shift,
                   const Control& control) const;

  std::shared_ptr<const Graph> graph_;
  Parameters<T> theta_;
  std::shared_ptr<const Samples<T>> samples_;
  Term term_;
  ParameterSelection selection_;
  OperatorOptions options_;
  double denominator_;
  std::shared_ptr<const LossTable<T>> loss_table_;
  mutable std::mutex table_mutex_;
  mutable std::mutex mean_mutex_;
  mutable std::vector<T> mean_gradient_;
  std::unique_ptr<Products<T>> products_;
  mutable std::mutex kronecker_mutex_;
  mutable std::shared_ptr<const KroneckerMatrix<T>> kronecker_;
  mutable std::mutex reduction_mutex_;
  mutable std::shared_ptr<const Reduction> reduction_;
};

}  // namespace eigenscape
