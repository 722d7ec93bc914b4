// Gram matrices: where a matrix of order M is SᵀS with fewer rows in S than columns, its
// eigenvalues are those of K = S Sᵀ, and zeros (DESIGN: low rank). A sample n has a row for each
// row b_r of its loss's root (network/loss_root.hpp):
//
//   gauss_newton         s_nr = J_nᵀ b_r, Σ_r b_r b_rᵀ = scale_n ∇²ℓ_n    C − 1 for softmax, else C
//   monte_carlo_fisher   the same                                         one for each label drawn
//   empirical_fisher     s_n = √scale_n ∇ℓ_n                              1
//   gradient_covariance  s_n = √scale_n (∇ℓ_n − ḡ)                        1 (gram_centering.hpp)
//
// Of a dense layer with inputs ã and cotangents δ, s_nr·s_n'r' = (ã_n·ã_n')(δ_nr·δ_n'r'): its part
// of K is A Aᵀ ∘ Δ Δᵀ and its part of S is never formed. Of convolutions and normalizations it is.
#pragma once

#include <cstddef>
#include <span>

#include "curvature/assembly.hpp"
#include "curvature/operator.hpp"

namespace eigenscape {

/// Rows of S; 0 where the matrix is no such product: for H and R, G of custom losses (their ∇²ℓ may
/// be indefinite), Kronecker factors, and layers whose rows are not known.
template <typename T>
std::size_t gram_rows(const Operator<T>& curvature);

/// Bytes beside K; the workspace twin of assemble_gram().
template <typename T>
std::size_t gram_workspace(const Operator<T>& curvature, std::size_t threads);

/// Flops: 2·rows²·(entries of a row that is formed; of dense layers, units and inputs of a sample).
template <typename T>
double gram_flops(const Operator<T>& curvature);

/// Overwrites `gram` [gram_rows, gram_rows] with K, symmetric to the bit.
template <typename T>
AssemblyScale assemble_gram(const Operator<T>& curvature, std::span<T> gram,
                            const Control& control);

}  // namespace eigenscape
