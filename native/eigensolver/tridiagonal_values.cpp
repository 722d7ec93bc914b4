#include "eigensolver/tridiagonal_values.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

namespace eigenscape {
namespace {

/// Steps per eigenvalue, on average; two are usual.
constexpr std::size_t kMostSteps = 30;

/// Rounding of one operation.
template <typename T>
constexpr T kRounding = std::numeric_limits<T>::epsilon() / 2;

/// The eigenvalues of [[a, b], [b, c]], the larger in size first (xLAE2).
template <typename T>
std::array<T, 2> pair_values(T a, T b, T c) {
  const T sum = a + c;
  const T root = std::hypot(a - c, 2 * b);
  if (sum == 0) return {root / 2, -root / 2};
  const T larger = (std::abs(a) > std::abs(c)) ? a : c;
  const T smaller = (std::abs(a) > std::abs(c)) ? c : a;
  const T first = (sum < 0 ? sum - root : sum + root) / 2;
  return {first, (larger / first) * smaller - (b / first) * b};
}

/// One QL step on rows [l, m] of d, with the squares e of what is beside the diagonal: the shift is
/// the eigenvalue of the leading 2 × 2 block that is nearer to d[l].
template <typename T>
void step(std::size_t l, std::size_t m, T* d, T* e) {
  const T root = std::sqrt(e[l]);
  const T half = (d[l + 1] - d[l]) / (2 * root);
  const T sigma = d[l] - root / (half + std::copysign(std::hypot(half, T{1}), half));
  T c = 1;
  T s = 0;
  T gamma = d[m] - sigma;
  T p = gamma * gamma;
  for (std::size_t i = m; i-- > l;) {
    const T b = e[i];
    const T r = p + b;
    if (i + 1 != m) e[i + 1] = s * r;
    const T c_before = c;
    const T inverse = r / p;  // of the next c, which need not wait for it
    c = p / r;
    s = b / r;
    const T gamma_before = gamma;
    gamma = c * (d[i] - sigma) - s * gamma;
    d[i + 1] = gamma_before + (d[i] - gamma);
    p = inverse <= std::numeric_limits<T>::max() ? (gamma * gamma) * inverse : c_before * b;
  }
  e[l] = s * p;
  d[l] = sigma + gamma;
}

/// What a whole call has in common.
struct Progress {
  const Control& control;
  std::size_t n;
  std::size_t found = 0;
  std::size_t steps = 0;
  std::size_t reported = 0;

  void advance(std::size_t values) {
    found += values;
    if (found < reported + n / 64) return;
    reported = found;
    control.report("tridiagonal", static_cast<double>(found), static_cast<double>(n));
  }
};

/// An unreduced block, d [n] and e [n − 1], scaled to about 1 in size; e holds squares.
template <typename T>
void solve_block(std::size_t n, T* d, T* e, Progress& progress) {
  constexpr T kNegligible = kRounding<T> * kRounding<T>;
  std::size_t l = 0;
  while (l < n) {
    progress.control.check();
    std::size_t m = l;
    while (m + 1 < n && std::abs(e[m]) > kNegligible * std::abs(d[m] * d[m + 1])) ++m;
    if (m + 1 < n) e[m] = 0;
    if (m == l) {
      ++l;
      progress.advance(1);
    } else if (m == l + 1) {
      const std::array<T, 2> values = pair_values(d[l], std::sqrt(e[l]), d[m]);
      d[l] = values[0];
      d[m] = values[1];
      e[l] = 0;
      l += 2;
      progress.advance(2);
    } else if (++progress.steps > kMostSteps * progress.n) {
      throw Error(ErrorCode::numeric, "the eigenvalues of a tridiagonal matrix of order " +
                                          std::to_string(progress.n) + " did not converge");
    } else {
      step(l, m, d, e);
    }
  }
}

/// A block scaled by a power of two, so that squares neither overflow nor vanish; from its smaller
/// end.
template <typename T>
void scale_and_solve(std::size_t n, T* d, T* e, Progress& progress) {
  T largest = 0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(d[i]));
  for (std::size_t i = 0; i + 1 < n; ++i) largest = std::max(largest, std::abs(e[i]));
  const int exponent = largest == 0 ? 0 : std::ilogb(largest);
  for (std::size_t i = 0; i < n; ++i) d[i] = std::ldexp(d[i], -exponent);
  for (std::size_t i = 0; i + 1 < n; ++i) {
    e[i] = std::ldexp(e[i], -exponent);
    e[i] *= e[i];
  }
  if (std::abs(d[n - 1]) < std::abs(d[0])) {
    std::reverse(d, d + n);
    std::reverse(e, e + n - 1);
  }
  solve_block(n, d, e, progress);
  for (std::size_t i = 0; i < n; ++i) d[i] = std::ldexp(d[i], exponent);
}

}  // namespace

template <typename T>
void tridiagonal_values(std::span<T> diagonal, std::span<T> subdiagonal, const Control& control) {
  const std::size_t n = diagonal.size();
  Progress progress{control, n};
  control.report("tridiagonal", 0, static_cast<double>(n));
  for (std::size_t first = 0; first < n;) {
    std::size_t last = first + 1;  // of the block, exclusive
    while (last < n && std::abs(subdiagonal[last - 1]) > std::sqrt(std::abs(diagonal[last - 1])) *
                                                             std::sqrt(std::abs(diagonal[last])) *
                                                             kRounding<T>) {
      ++last;
    }
    T* const e = subdiagonal.data() + first;
    if (last - first > 1) {
      scale_and_solve(last - first, diagonal.data() + first, e, progress);
    } else {
      progress.advance(1);
    }
    first = last;
  }
  std::sort(diagonal.begin(), diagonal.end());
  control.report("tridiagonal", static_cast<double>(n), static_cast<double>(n));
}

template void tridiagonal_values<double>(std::span<double>, std::span<double>, const Control&);
template void tridiagonal_values<float>(std::span<float>, std::span<float>, const Control&);

}  // namespace eigenscape
