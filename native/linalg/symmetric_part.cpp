#include "linalg/symmetric_part.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/finite.hpp"
#include "core/thread_pool.hpp"

namespace eigenscape {
namespace {

/// Rows and columns of a square of entries; it and its mirror image fit the first-level cache.
constexpr std::size_t kSide = 32;

/// Fewer than these are read sooner than another thread wakes.
constexpr std::size_t kEntriesOfOneThread = std::size_t{1} << 16U;

using Fault = std::optional<MatrixFault>;

Fault lowest(const std::vector<Fault>& faults) {
  const auto found =
      std::ranges::find_if(faults, [](const Fault& fault) { return fault.has_value(); });
  return found == faults.end() ? std::nullopt : *found;
}

/// max |x|, in as many maxima as a cache line has entries: none waits for the one before.
template <typename T>
double largest_magnitude(std::span<const T> x) {
  constexpr std::size_t kMaxima = 8;
  std::array<double, kMaxima> largest{};
  std::size_t j = 0;
  for (; j + kMaxima <= x.size(); j += kMaxima) {
    for (std::size_t k = 0; k < kMaxima; ++k) {
      largest[k] = std::max(largest[k], std::abs(static_cast<double>(x[j + k])));
    }
  }
  for (; j < x.size(); ++j) {
    largest[0] = std::max(largest[0], std::abs(static_cast<double>(x[j])));
  }
  return std::ranges::max(largest);
}

/// The squares in rows [top, last) below the diagonal, and their mirror images.
template <typename T>
Fault average_rows(std::size_t n, std::size_t top, std::size_t last, std::span<T> a, double limit) {
  Fault fault;
  for (std::size_t left = 0; left < last; left += kSide) {
    for (std::size_t i = top; i < last; ++i) {
      for (std::size_t j = left; j < std::min(left + kSide, i); ++j) {
        T& lower = a[i * n + j];
        T& upper = a[j * n + i];
        if (lower == upper) continue;
        const bool wrong =
            std::abs(static_cast<double>(lower) - static_cast<double>(upper)) > limit;
        if (wrong && (!fault || i < fault->row)) {
          fault = MatrixFault{MatrixFault::Kind::asymmetric, i, j};
        }
        if (wrong) continue;
        lower = static_cast<T>((static_cast<double>(lower) + static_cast<double>(upper)) / 2);
        upper = lower;
      }
    }
  }
  return fault;
}

}  // namespace

template <typename T>
std::optional<MatrixFault> make_symmetric(std::size_t n, std::span<T> a, double tolerance,
                                          const Control& call) {
  const Control alone(&call);
  const Control& control = n * n <= kEntriesOfOneThread ? alone : call;
  const std::size_t strips = (n + kSide - 1) / kSide;
  std::vector<Fault> faults(strips);
  std::vector<double> largest(strips, 0.0);
  const auto rows_of = [&](std::size_t strip) { return std::min(n, (strip + 1) * kSide); };
  parallel_for(control, strips, [&](std::size_t strip) {
    for (std::size_t i = strip * kSide; i < rows_of(strip); ++i) {
      const std::span<const T> row = std::span<const T>(a).subspan(i * n, n);
      largest[strip] = std::max(largest[strip], largest_magnitude(row));
      const std::size_t j = first_not_finite<T>(row);
      if (j == n) continue;
      faults[strip] = MatrixFault{MatrixFault::Kind::not_finite, i, j};
      return;
    }
  });
  if (const Fault fault = lowest(faults)) return fault;
  const double limit = tolerance * (largest.empty() ? 0 : std::ranges::max(largest));
  parallel_for(control, strips, [&](std::size_t strip) {
    faults[strip] = average_rows(n, strip * kSide, rows_of(strip), a, limit);
  });
  return lowest(faults);
}

template std::optional<MatrixFault> make_symmetric<double>(std::size_t, std::span<double>, double,
                                                           const Control&);
template std::optional<MatrixFault> make_symmetric<float>(std::size_t, std::span<float>, double,
                                                          const Control&);

}  // namespace eigenscape
