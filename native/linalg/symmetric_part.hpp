// A given matrix made symmetric: rounding is averaged away, more is refused.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "core/control.hpp"

namespace eigenscape {

/// Why a matrix is refused, by the first entry in its lowest row that shows it.
struct MatrixFault {
  enum class Kind { not_finite, asymmetric } kind;
  std::size_t row;
  std::size_t column;
};

/// A ← (A + Aᵀ)/2 for A [n, n], unless an entry is not finite or |a_ij − a_ji| is above `tolerance`
/// times the largest entry: then A may be half done.
template <typename T>
std::optional<MatrixFault> make_symmetric(std::size_t n, std::span<T> a, double tolerance,
                                          const Control& control);

}  // namespace eigenscape
