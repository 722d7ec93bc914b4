#include "eigensolver/two_stage.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/thread_pool.hpp"
#include "eigensolver/band_to_tridiagonal.hpp"
#include "eigensolver/full_to_band.hpp"
#include "eigensolver/tile_kernels.hpp"
#include "eigensolver/tridiagonal_values.hpp"

namespace eigenscape {
namespace {

/// Of a finite matrix, whose norm may yet be beyond the largest number.
double finite(double norm) { return std::min(norm, std::numeric_limits<double>::max()); }

/// The power of two by which a matrix of this norm is multiplied; 0 where it can stay.
int scale_exponent(double norm) {
  constexpr int kComfortable = 10;
  if (norm == 0) return 0;
  const int exponent = std::ilogb(finite(norm));
  return std::abs(exponent) <= kComfortable ? 0 : -exponent;
}

/// Where a single factor must do: of subnormal matrices some of it.
template <typename T>
int factor_exponent(double norm) {
  constexpr int kLargest = sizeof(T) == sizeof(double) ? 1000 : 120;
  return std::clamp(scale_exponent(norm), -kLargest, kLargest);
}

}  // namespace

template <>
TwoStageTuning two_stage_tuning<double>() {
  return {32, 500, 1200};
}
template <>
TwoStageTuning two_stage_tuning<float>() {
  return {32, 400, 1200};
}

template <typename T>
int scale_to_one(std::size_t n, std::span<T> a, double norm, const Control& control) {
  const int exponent = scale_exponent(norm);
  if (exponent == 0) return 0;
  // The factor of a subnormal matrix is no number.
  const T half = std::ldexp(T{1}, exponent / 2);
  const T other_half = std::ldexp(T{1}, exponent - exponent / 2);
  constexpr std::size_t kRows = 64;
  parallel_for(control, (n + kRows - 1) / kRows, [&](std::size_t block) {
    const std::size_t last = std::min(n, (block + 1) * kRows) * n;
    for (std::size_t i = block * kRows * n; i < last; ++i) a[i] = a[i] * half * other_half;
  });
  return exponent;
}

double scaled_norm(double norm, int exponent) { return std::ldexp(finite(norm), exponent); }

template <typename T>
bool two_stage_pays(std::size_t n) {
  return has_wide_vectors() && n >= two_stage_tuning<T>().from;
}

template <typename T>
std::vector<double> two_stage_eigenvalues(std::size_t n, std::span<T> a, double norm,
                                          const Control& control) {
  const int exponent = factor_exponent<T>(norm);

  // 1. full → band
  BandMatrix<T> band(n, two_stage_tuning<T>().width);
  full_to_band<T>(a, std::ldexp(T{1}, exponent), scaled_norm(norm, exponent), band, control);

  // 2. band → tridiagonal
  std::vector<T> diagonal(n);
  std::vector<T> subdiagonal(n);
  band_to_tridiagonal<T>(band, diagonal, subdiagonal, nullptr, control);

  // 3. tridiagonal → values
  std::vector<double> values =
      tridiagonal_values<T>(diagonal, std::span<const T>(subdiagonal).first(n - 1), control);
  for (double& value : values) value = std::ldexp(value, -exponent);
  return values;
}

std::size_t two_stage_workspace(std::size_t n, std::size_t entry_bytes) {
  const bool is_double = entry_bytes == sizeof(double);
  const std::size_t width =
      is_double ? two_stage_tuning<double>().width : two_stage_tuning<float>().width;
  return full_to_band_workspace(n, width, entry_bytes) +
         band_to_tridiagonal_workspace(n, width, entry_bytes);
}

template int scale_to_one<double>(std::size_t, std::span<double>, double, const Control&);
template int scale_to_one<float>(std::size_t, std::span<float>, double, const Control&);
template bool two_stage_pays<double>(std::size_t);
template bool two_stage_pays<float>(std::size_t);
template std::vector<double> two_stage_eigenvalues<double>(std::size_t, std::span<double>, double,
                                                           const Control&);
template std::vector<double> two_stage_eigenvalues<float>(std::size_t, std::span<float>, double,
                                                          const Control&);

}  // namespace eigenscape
