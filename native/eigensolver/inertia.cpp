#include "eigensolver/inertia.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "linalg/lapack.hpp"

namespace eigenscape {
namespace {

/// p(n)·u of the backward error, with room for the constant that the theorem leaves open.
template <typename T>
double rounding_of(std::size_t n) {
  return 4 * (static_cast<double>(n) + 4) * static_cast<double>(std::numeric_limits<T>::epsilon());
}

/// Â − σI in the triangle that LAPACK reads (the row-major upper one), from the other, which it
/// leaves alone, and the diagonal; returns the largest row sum of |·|.
template <typename T>
double restore(std::size_t n, std::span<T> a, std::span<const T> diagonal, double sigma) {
  std::vector<double> sums(n, 0.0);
  constexpr std::size_t kSide = 32;  // a square and its mirror image fit the first cache
  for (std::size_t top = 0; top < n; top += kSide) {
    for (std::size_t left = 0; left <= top; left += kSide) {
      for (std::size_t i = top; i < std::min(top + kSide, n); ++i) {
        for (std::size_t j = left; j < std::min(left + kSide, i); ++j) {
          const T entry = a[i * n + j];
          a[j * n + i] = entry;
          sums[i] += std::abs(static_cast<double>(entry));
          sums[j] += std::abs(static_cast<double>(entry));
        }
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    a[i * n + i] = static_cast<T>(static_cast<double>(diagonal[i]) - sigma);
    sums[i] += std::abs(static_cast<double>(a[i * n + i]));
  }
  return *std::max_element(sums.begin(), sums.end());
}

/// The pivots of the factorisation: a block of D and the columns of L below it.
struct Pivot {
  std::size_t k;
  std::size_t width;  // 1 or 2
  std::size_t swapped;
};

std::vector<Pivot> pivots_of(std::span<const int> order) {
  std::vector<Pivot> pivots;
  for (std::size_t k = 0; k < order.size();) {
    const std::size_t width = order[k] > 0 ? 1 : 2;
    pivots.push_back({k, width, static_cast<std::size_t>(std::abs(order[k])) - 1});
    k += width;
  }
  return pivots;
}

/// ‖ |L| |D| |Lᵀ| ‖_∞; L = P₁L₁P₂L₂ …, column k of which is row k of `a` beyond the block of D.
template <typename T>
double factor_norm(std::size_t n, std::span<const T> a, const std::vector<Pivot>& pivots) {
  std::vector<double> x(n, 1.0);
  const auto magnitude = [&](std::size_t row, std::size_t column) {
    return std::abs(static_cast<double>(a[row * n + column]));
  };
  for (const auto& [k, width, swapped] : pivots) {  // x ← |Lᵀ| x
    std::swap(x[k + width - 1], x[swapped]);
    for (std::size_t c = k; c < k + width; ++c) {
      for (std::size_t i = k + width; i < n; ++i) x[c] += magnitude(c, i) * x[i];
    }
  }
  for (const auto& [k, width, swapped] : pivots) {  // x ← |D| x
    const double first = x[k];
    x[k] *= magnitude(k, k);
    if (width == 1) continue;
    x[k] += magnitude(k, k + 1) * x[k + 1];
    x[k + 1] = magnitude(k, k + 1) * first + magnitude(k + 1, k + 1) * x[k + 1];
  }
  for (std::size_t p = pivots.size(); p-- > 0;) {  // x ← |L| x
    const auto& [k, width, swapped] = pivots[p];
    for (std::size_t c = k; c < k + width; ++c) {
      for (std::size_t i = k + width; i < n; ++i) x[i] += magnitude(c, i) * x[c];
    }
    std::swap(x[k + width - 1], x[swapped]);
  }
  return *std::max_element(x.begin(), x.end());
}

struct Inertia {
  std::size_t negative;
  double backward_error;  // η
};

template <typename T>
Inertia factor(std::size_t n, std::span<T> a, std::span<const T> diagonal, double sigma) {
  const double norm = restore(n, a, diagonal, sigma);
  std::vector<int> order(n);
  lapack::factor_symmetric<T>(n, a, order);
  const std::vector<Pivot> pivots = pivots_of(order);
  // A block of order 2 is chosen where it is indefinite: one eigenvalue of either sign.
  std::size_t negative = 0;
  for (const Pivot& pivot : pivots) {
    negative += pivot.width == 2 || a[pivot.k * n + pivot.k] < 0 ? 1 : 0;
  }
  return {negative, rounding_of<T>(n) * (norm + factor_norm<T>(n, a, pivots))};
}

}  // namespace

template <typename T>
EigenvalueCount count_eigenvalues_below(std::size_t n, std::span<T> a, const CountRequest& request,
                                        const Control& control) {
  constexpr int kAttempts = 6;
  constexpr double kGrowth = 12;  // of |L||D||Lᵀ| over |A|, to begin with
  if (n == 0) {
    const double error = request.assembly_error;
    return {0, 0, request.shift - request.tolerance.value_or(2 * error), error};
  }
  std::vector<T> diagonal(n);
  for (std::size_t i = 0; i < n; ++i) diagonal[i] = a[i * n + i];
  const double norm = restore<T>(n, a, diagonal, request.shift);
  double delta = request.assembly_error + rounding_of<T>(n) * kGrowth * norm;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double threshold = request.shift - request.tolerance.value_or(2 * delta);
    control.report("inertia", 0, 2);
    const Inertia below = factor<T>(n, a, diagonal, threshold - delta);
    control.check();
    control.report("inertia", 1, 2);
    double reached = below.backward_error + request.assembly_error;
    if (reached <= delta) {
      const Inertia above = factor<T>(n, a, diagonal, threshold + delta);
      control.check();
      control.report("inertia", 2, 2);
      reached = above.backward_error + request.assembly_error;
      if (reached <= delta) return {below.negative, above.negative, threshold, delta};
    }
    delta = 2 * reached;
  }
  throw Error(ErrorCode::numeric, "the factors of a matrix of order " + std::to_string(n) +
                                      " grow without bound; count its eigenvalues instead");
}

template EigenvalueCount count_eigenvalues_below<double>(std::size_t, std::span<double>,
                                                         const CountRequest&, const Control&);
template EigenvalueCount count_eigenvalues_below<float>(std::size_t, std::span<float>,
                                                        const CountRequest&, const Control&);

}  // namespace eigenscape
