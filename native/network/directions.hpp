// Directions through parameter space, brought to the scale of a point.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/control.hpp"

namespace eigenscape {

/// Rows of a tensor of parameters: [rows, width] from an offset on.
struct TensorRows {
  std::size_t offset = 0;
  std::size_t rows = 0;
  std::size_t width = 0;
  bool stands_still = false;
};

/// Filter normalization (Li et al. 2018, §4): each row d of a direction [M] gets the norm of the
/// row θ at the origin [M], d ← d / ‖d‖ · ‖θ‖; of tensors that stand still it becomes 0.
template <typename T>
void normalize_rows(const std::vector<TensorRows>& tensors, std::span<const T> origin,
                    std::span<T> direction, const Control& control);

}  // namespace eigenscape
