// Mean and standard deviation of every column of rows in files, found when they are first needed:
// over all rows of all parts, with s_n the weight of row n,
//
//     μ = Σ s_n x_n / Σ s_n        σ² = Σ s_n (x_n − μ)² / Σ s_n
//
// Twin of columnScales in src/data/standardization.ts, operation by operation: data that is
// streamed has the bits of data in memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/control.hpp"

namespace eigenscape {

class StoredRows;

struct ColumnScales {
  std::vector<double> means;
  std::vector<double> deviations;  // 0 exactly where a column is constant
};

/// Rows that count in the scales, and how often each does; no weights: once.
struct WeightedRows {
  std::shared_ptr<const StoredRows> rows;
  std::vector<double> weights;
};

class Standardization {
 public:
  explicit Standardization(ColumnScales known) : scales_(std::move(known)), known_(true) {}
  explicit Standardization(std::vector<WeightedRows> over) : over_(std::move(over)) {}

  /// Two passes over the rows at the first call, on the calling thread; others wait. Throws
  /// ErrorCode::numeric when a spread is beyond float64, and whatever reading throws.
  const ColumnScales& scales(const Control& control) const;

 private:
  std::vector<WeightedRows> over_;
  mutable std::mutex mutex_;
  mutable ColumnScales scales_;
  mutable std::atomic<bool> known_ = false;  // set once, after scales_
};

}  // namespace eigenscape
