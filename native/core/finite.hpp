// Where an array stops being finite, at the speed of memory.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

namespace eigenscape {

/// Index of the first entry that is infinite or NaN, or the number of entries if none is.
template <typename T>
std::size_t first_not_finite(std::span<const T> entries) {
  constexpr std::size_t kAtOnce = 1024;
  for (std::size_t start = 0; start < entries.size(); start += kAtOnce) {
    const auto part = entries.subspan(start, std::min(kAtOnce, entries.size() - start));
    // 0·x is NaN for those, and a sum with NaN stays NaN; sums side by side make vectors.
    std::array<T, 16> sums{};
    std::size_t i = 0;
    for (; i + sums.size() <= part.size(); i += sums.size()) {
      for (std::size_t lane = 0; lane < sums.size(); ++lane) sums[lane] += 0 * part[i + lane];
    }
    for (; i < part.size(); ++i) sums[0] += 0 * part[i];
    if (std::none_of(sums.begin(), sums.end(), [](T sum) { return std::isnan(sum); })) continue;
    const auto found =
        std::find_if_not(part.begin(), part.end(), [](T entry) { return std::isfinite(entry); });
    return start + static_cast<std::size_t>(found - part.begin());
  }
  return entries.size();
}

}  // namespace eigenscape
