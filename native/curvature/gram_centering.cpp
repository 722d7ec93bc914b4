#include "curvature/gram_centering.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/thread_pool.hpp"

namespace eigenscape {
namespace {

constexpr std::size_t kRows = 64;

/// v = (u + e) / ‖u + e‖, where u + e cancels nothing: H = I − 2 v vᵀ.
std::vector<double> reflector(std::span<const double> w) {
  double sum = 0;
  for (const double entry : w) sum += entry * entry;
  std::vector<double> v(w.begin(), w.end());
  for (double& entry : v) entry /= std::sqrt(sum);
  const double norm = std::sqrt(2 * (1 + v.back()));
  v.back() += 1;
  for (double& entry : v) entry /= norm;
  return v;
}

/// z = 2 (K v − (vᵀK v) v), with which H K H = K − v zᵀ − z vᵀ.
template <typename T>
std::vector<double> update_of(std::span<const double> v, std::span<const T> gram,
                              const Control& control) {
  const std::size_t n = v.size();
  std::vector<double> z(n);
  parallel_for(control, (n + kRows - 1) / kRows, [&](std::size_t block) {
    for (std::size_t i = block * kRows; i < std::min(n, (block + 1) * kRows); ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < n; ++j) sum += static_cast<double>(gram[i * n + j]) * v[j];
      z[i] = sum;
    }
  });
  double product = 0;
  for (std::size_t i = 0; i < n; ++i) product += v[i] * z[i];
  for (std::size_t i = 0; i < n; ++i) z[i] = 2 * (z[i] - product * v[i]);
  return z;
}

}  // namespace

template <typename T>
void center_gram(std::span<const double> w, std::span<T> gram, const Control& control) {
  const std::size_t n = w.size();
  const std::vector<double> v = reflector(w);
  const std::vector<double> z = update_of<T>(v, gram, control);
  parallel_for(control, (n + kRows - 1) / kRows, [&](std::size_t block) {
    control.check();
    for (std::size_t i = block * kRows; i < std::min(n, (block + 1) * kRows); ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        T& entry = gram[i * n + j];
        const double update = v[i] * z[j] + z[i] * v[j];
        entry = i + 1 == n ? T{0} : static_cast<T>(static_cast<double>(entry) - update);
      }
    }
  });
}

template void center_gram<double>(std::span<const double>, std::span<double>, const Control&);
template void center_gram<float>(std::span<const double>, std::span<float>, const Control&);

}  // namespace eigenscape
