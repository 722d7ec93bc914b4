#include "network/semidefinite.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "core/thread_pool.hpp"

namespace eigenscape {
namespace {

template <typename T>
bool is_semidefinite(std::span<const T> matrix, std::size_t size, std::vector<double>& factor) {
  double largest = 0;
  for (const T entry : matrix) largest = std::max(largest, std::abs(static_cast<double>(entry)));
  if (largest == 0) return true;
  const double rounding = 2 * static_cast<double>(size) * std::numeric_limits<T>::epsilon();
  const double tau = largest * std::max(1e-10, rounding);
  factor.assign(matrix.begin(), matrix.end());
  for (std::size_t i = 0; i < size; ++i) {
    double* const row = factor.data() + i * size;
    for (std::size_t j = 0; j <= i; ++j) {
      const double* const other = factor.data() + j * size;
      double sum = row[j] + (i == j ? tau : 0);
      for (std::size_t k = 0; k < j; ++k) sum -= row[k] * other[k];
      if (i == j && !(sum > 0)) return false;
      row[j] = i == j ? std::sqrt(sum) : sum / other[j];
    }
  }
  return true;
}

}  // namespace

template <typename T>
bool all_semidefinite(std::span<const T> matrices, std::size_t outputs, const Control& control) {
  const std::size_t square = outputs * outputs;
  const std::size_t count = matrices.size() / square;
  const std::size_t at_once = std::max<std::size_t>(1, (std::size_t{1} << 16) / square);
  std::atomic<bool> semidefinite = true;
  parallel_for(control, (count + at_once - 1) / at_once, [&](std::size_t group) {
    std::vector<double> factor;
    const std::size_t last = std::min(count, (group + 1) * at_once);
    for (std::size_t n = group * at_once; n < last && semidefinite; ++n) {
      control.check();
      if (is_semidefinite(matrices.subspan(n * square, square), outputs, factor)) continue;
      semidefinite = false;
    }
  });
  return semidefinite;
}

template bool all_semidefinite<double>(std::span<const double>, std::size_t, const Control&);
template bool all_semidefinite<float>(std::span<const float>, std::size_t, const Control&);

}  // namespace eigenscape
