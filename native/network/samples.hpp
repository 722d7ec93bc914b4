// The data of a sum over samples: inputs, targets, and how often each sample counts.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/row_source.hpp"

namespace eigenscape {

template <typename T>
struct Samples {
  std::size_t count = 0;
  std::size_t input_size = 0;
  std::shared_ptr<const RowSource<T>> inputs;  // [count, input_size]
  /// One class per sample, −1 where the sample is ignored; empty if `rows` holds the targets.
  std::vector<std::int32_t> classes;
  std::vector<T> rows;          // [count, outputs]
  std::vector<double> weights;  // [count], or empty where each sample counts once

  [[nodiscard]] double weight(std::size_t n) const { return weights.empty() ? 1.0 : weights[n]; }
};

}  // namespace eigenscape
