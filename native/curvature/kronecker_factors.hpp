// The factors of an operator that is K-FAC or EKFAC: sums over its samples.
#pragma once

#include "curvature/kronecker.hpp"
#include "curvature/operator.hpp"

namespace eigenscape {

/// One pass over the data for A and S, and for EKFAC one more for Λ. Throws ErrorCode::memory
/// unless the factors fit.
template <typename T>
KroneckerMatrix<T> compute_kronecker(const Operator<T>& curvature, const Control& control);

}  // namespace eigenscape
