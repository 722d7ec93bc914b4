// Where an array stops being finite: read, or copied, at the speed of memory.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

#include "core/array_memory.hpp"

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

/// Copies `from` piece by piece: `put(piece)` gives a piece as it is held in T. Gives the index of
/// the first entry that is infinite or NaN there, behind which nothing is copied, or their number.
template <typename T, typename U, typename Put>
std::size_t copy_finite(std::span<const U> from, const Put& put) {
  constexpr std::size_t kAtOnce = 8192;  // still in the cache when they are looked at
  for (std::size_t start = 0; start < from.size(); start += kAtOnce) {
    const auto piece = from.subspan(start, std::min(kAtOnce, from.size() - start));
    const std::size_t finite = first_not_finite<T>(put(piece));
    if (finite < piece.size()) return start + finite;
  }
  return from.size();
}

/// to = from, in T.
template <typename T, typename U>
std::size_t copy_finite(std::span<const U> from, Array<T>& to) {
  to.clear();
  to.reserve(from.size());
  return copy_finite<T>(from, [&](std::span<const U> piece) {
    to.insert(to.end(), piece.begin(), piece.end());
    return std::span<const T>(to).last(piece.size());
  });
}
template <typename T, typename U>
std::size_t copy_finite(std::span<const U> from, std::span<T> to) {
  std::size_t done = 0;
  return copy_finite<T>(from, [&](std::span<const U> piece) {
    const std::span<T> held = to.subspan(done, piece.size());
    std::copy(piece.begin(), piece.end(), held.begin());
    done += piece.size();
    return std::span<const T>(held);
  });
}

}  // namespace eigenscape
