// An operator in float32 at the point of one in float64: θ, inputs and targets rounded once. A
// search for eigenpairs goes half its way at half the cost there; what it finds is then judged and
// refined by products in float64, so that nothing of the answer rests on the rounded ones.
#pragma once

#include <cstddef>
#include <memory>

#include "core/control.hpp"
#include "curvature/operator.hpp"

namespace eigenscape {

/// nullptr where the two would be other matrices, or rounding costs too much: for losses that users
/// write, labels that are drawn, Kronecker factors, and inputs that stay in files.
std::shared_ptr<Operator<float>> rounded_operator(const Operator<double>& matrix,
                                                  const Control& control);

/// Bytes that it takes beside what its products keep.
std::size_t rounded_operator_bytes(const Operator<double>& matrix);

}  // namespace eigenscape
