#include "data/standardization.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.hpp"
#include "data/stored_rows.hpp"

namespace eigenscape {
namespace {

/// Rows that are read at once.
constexpr std::size_t kRowsAtOnce = 256;

double total_weight(const std::vector<WeightedRows>& parts) {
  double total = 0;
  for (const auto& [rows, weights] : parts) {
    double sum = 0;
    for (const double weight : weights) sum += weight;
    total += weights.empty() ? static_cast<double>(rows->count()) : sum;
  }
  return total;
}

/// Visits the rows that count, each with its share s_n / Σ s_n.
template <typename Visit>
void visit_rows(const std::vector<WeightedRows>& parts, const Control& control,
                const Visit& visit) {
  const double total = total_weight(parts);
  RowBuffer<double> buffer;
  for (const auto& [rows, weights] : parts) {
    const std::size_t width = rows->width();
    buffer.rows.resize(kRowsAtOnce * width);
    for (std::size_t first = 0; first < rows->count(); first += kRowsAtOnce) {
      control.check();
      const std::size_t count = std::min(kRowsAtOnce, rows->count() - first);
      const std::span<double> block = buffer.rows.span().first(count * width);
      rows->read({first, count}, block, buffer, control);
      for (std::size_t i = 0; i < count; ++i) {
        const double weight = weights.empty() ? 1 : weights[first + i];
        if (weight > 0) visit(block.data() + i * width, weight / total);
      }
    }
  }
}

void refuse_unusable(const ColumnScales& scales, const std::vector<double>& reach) {
  for (std::size_t column = 0; column < reach.size(); ++column) {
    const double deviation = scales.deviations[column];
    if (reach[column] == 0 || (deviation > 0 && std::isfinite(deviation))) continue;
    throw Error(ErrorCode::numeric, "standardize: the spread of input column " +
                                        std::to_string(column) +
                                        " is beyond what float64 holds; rescale that column first");
  }
}

ColumnScales find_scales(const std::vector<WeightedRows>& parts, const Control& control) {
  const std::size_t width = parts.front().rows->width();
  std::vector<double> origin;
  std::vector<double> means(width);
  std::vector<double> reach(width);
  // Relative to an entry of the column, so that a constant column has exactly its value as mean.
  visit_rows(parts, control, [&](const double* row, double share) {
    if (origin.empty()) origin.assign(row, row + width);
    for (std::size_t column = 0; column < width; ++column) {
      const double distance = row[column] - origin[column];
      means[column] += share * distance;
      reach[column] = std::max(reach[column], std::abs(distance));
    }
  });
  for (std::size_t column = 0; column < width; ++column) means[column] += origin[column];

  // In units of the largest distance, so that squares neither overflow nor vanish.
  std::vector<double> first(width);
  std::vector<double> second(width);
  visit_rows(parts, control, [&](const double* row, double share) {
    for (std::size_t column = 0; column < width; ++column) {
      const double unit = reach[column] == 0 ? std::numeric_limits<double>::infinity()
                                             : reach[column];  // then the ratio is 0
      const double ratio = (row[column] - means[column]) / unit;
      first[column] += share * ratio;
      second[column] += share * ratio * ratio;
    }
  });
  ColumnScales scales{std::move(means), std::vector<double>(width)};
  for (std::size_t column = 0; column < width; ++column) {
    const double unit = reach[column];
    if (unit == 0) continue;
    const double rest = first[column];
    scales.means[column] += rest * unit;
    scales.deviations[column] = unit * std::sqrt(second[column] - rest * rest);
  }
  refuse_unusable(scales, reach);
  return scales;
}

}  // namespace

const ColumnScales& Standardization::scales(const Control& control) const {
  if (known_.load(std::memory_order_acquire)) return scales_;
  const std::lock_guard lock(mutex_);
  if (!known_.load(std::memory_order_relaxed)) {
    scales_ = find_scales(over_, control);
    known_.store(true, std::memory_order_release);
  }
  return scales_;
}

}  // namespace eigenscape
