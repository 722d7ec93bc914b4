// γ and β of a normalisation, y = γ x̂ + β: either may be left out (`scale` = 0, `bias` = 0 among
// the attributes), and is then 1 or 0.
#pragma once

#include <cstddef>
#include <vector>

#include "ops/operation.hpp"

namespace eigenscape::ops {

inline bool has_scale(const Attributes& attributes) {
  return attribute(attributes, "scale", 1) != 0;
}

inline bool has_shift(const Attributes& attributes) {
  return attribute(attributes, "bias", 1) != 0;
}

/// γ and β, each of this shape.
inline std::vector<ParameterTensor> scale_and_shift(const Attributes& attributes,
                                                    const Shape& shape) {
  std::vector<ParameterTensor> tensors;
  if (has_scale(attributes)) tensors.push_back({"weight", shape});
  if (has_shift(attributes)) tensors.push_back({"bias", shape});
  return tensors;
}

/// Where a row of the layer's parameters has γ and β; null for one that is left out, or no row.
template <typename T>
struct ScaleAndShiftOf {
  T* scale = nullptr;
  T* shift = nullptr;

  ScaleAndShiftOf(const Attributes& attributes, std::size_t count, T* row) {
    if (row == nullptr) return;
    if (has_scale(attributes)) scale = row;
    if (has_shift(attributes)) shift = row + (scale == nullptr ? 0 : count);
  }
};

}  // namespace eigenscape::ops
