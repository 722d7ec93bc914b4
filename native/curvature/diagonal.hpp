// The diagonal of a dense curvature matrix without the matrix (letters as in dense_chain.hpp):
//
//   ∂²L / ∂W_m[i,j]² = Σ_n 𝓗_m[i,i] · a_{m-1}[j]²
//
// with the bias as the weight of an input that is always 1. Cost per sample: the recursion of 𝓗,
// about 4 Σ h_m² h_{m+1} flops, and two for each entry.
#pragma once

#include <span>

#include "curvature/operator.hpp"

namespace eigenscape {

/// diagonal [size] of the term, weight decay included. Throws ErrorCode::spec unless the graph is a
/// chain of dense layers and pointwise functions.
template <typename T>
void chain_diagonal(const Operator<T>& matrix, std::span<double> diagonal, const Control& control);

}  // namespace eigenscape
