// What leaves an operator's matrix exactly, read from its network, its point and its data.
#pragma once

#include "curvature/operator.hpp"
#include "curvature/reduction.hpp"

namespace eigenscape {

/// Passes over the data: for the entries that nothing changes, for the span of the inputs, and for
/// the error of their basis. None of it depends on the term.
template <typename T>
Reduction find_reduction(const Operator<T>& matrix, const Control& control);

}  // namespace eigenscape
