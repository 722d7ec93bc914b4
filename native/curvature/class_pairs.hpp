// G under softmax cross-entropy, split by class pairs (Papyan 2019; 2020, section 4). With c the
// class of sample i and c' any class,
//
//   G = Σ_i Σ_c' w_icc' δ_icc' δ_icc'ᵀ,  δ_icc' = J_iᵀ(p_i − e_c'),  w_icc' = s_i Q_i p_ic' / Σ s κ
//
// Means over the samples of a pair, and over the pairs c' ≠ c of a class, all by weight:
//
//   δ_cc' = Σ_i w_icc' δ_icc' / w_cc',   δ_c = Σ_{c'≠c} w_cc' δ_cc' / w_c
//   class_means         Σ_c w_c δ_c δ_cᵀ
//   cross_class_means   Σ_{c'≠c} w_cc' (δ_cc' − δ_c)(δ_cc' − δ_c)ᵀ
//   within_cross_class  Σ_i Σ_{c'≠c} w_icc' (δ_icc' − δ_cc')(δ_icc' − δ_cc')ᵀ
//   same_class          Σ_i w_icc δ_icc δ_iccᵀ
//
// add up to G. Along v only the numbers a_icc' = δ_icc'ᵀv = (p_i − e_c')ᵀ ḟ_i matter, ḟ_i = J_i v:
// their weighted means and spreads for each pair are the moments below, from one tangent pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "curvature/operator.hpp"
#include "network/loss.hpp"

namespace eigenscape {

/// Moments of a_icc' along k directions, for pairs (c, c') of classes.
class ClassPairMoments {
 public:
  ClassPairMoments(std::size_t classes, std::size_t directions);

  /// Adds the samples of a chunk, of these classes (−1: ignored), for ḟ [k, n, C].
  template <typename T>
  void add_chunk(const LossPoint<T>& loss, std::span<const std::int32_t> labels,
                 std::span<const T> f_dot);
  /// Joins other samples along the same directions; no spread becomes negative (Chan et al. 1983).
  void add(const ClassPairMoments& other);
  /// Appends the same samples along other directions.
  void append(const ClassPairMoments& other);

  [[nodiscard]] std::size_t classes() const { return classes_; }
  [[nodiscard]] std::size_t directions() const { return means_.size() / weights_.size(); }
  /// w_cc' = Σ_i w_icc' [C, C]
  [[nodiscard]] std::span<const double> weights() const { return weights_; }
  /// Σ_i w_icc' a_icc' / w_cc' = δ_cc'ᵀv, 0 for a pair without weight [k, C, C]
  [[nodiscard]] std::span<const double> means() const { return means_; }
  /// Σ_i w_icc' (a_icc' − δ_cc'ᵀv)² [k, C, C]
  [[nodiscard]] std::span<const double> spreads() const { return spreads_; }

 private:
  std::size_t classes_;
  std::vector<double> weights_;
  std::vector<double> means_;
  std::vector<double> spreads_;
};

/// Throws ErrorCode::spec unless each sample has a class, under softmax cross-entropy.
template <typename T>
void require_class_pairs(const Graph& graph, const Samples<T>& samples);

/// Directions whose moments are in memory at once.
std::size_t class_pair_group(std::size_t classes);

/// Whether a product with the term needs the moments along its vector first.
inline bool needs_moments(Term term) {
  return is_class_pair_term(term) && term != Term::same_class;
}

/// What a term takes from the moments [k, C, C]: δ_cᵀv, δ_cc'ᵀv − δ_cᵀv, or δ_cc'ᵀv.
template <typename T>
std::vector<T> class_pair_shift(Term term, const ClassPairMoments& moments);

/// f̄ [k, n, C], of which Σ_n J_nᵀ f̄_n is the product with a term; shift as above, or empty.
template <typename T>
void apply_class_pairs(Term term, const LossPoint<T>& loss, std::span<const std::int32_t> labels,
                       std::span<const T> f_dot, std::span<const T> shift, std::span<T> f_bar);

}  // namespace eigenscape
