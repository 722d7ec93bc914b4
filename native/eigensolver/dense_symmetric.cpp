#include "eigensolver/dense_symmetric.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <numeric>

#include "core/aligned_buffer.hpp"
#include "core/thread_pool.hpp"
#include "eigensolver/tile_kernels.hpp"
#include "eigensolver/tridiagonal_values.hpp"
#include "eigensolver/two_stage.hpp"
#include "eigensolver/two_stage_pairs.hpp"
#include "linalg/blas.hpp"
#include "linalg/lapack.hpp"

namespace eigenscape {
namespace {

/// From this order on LAPACK's two-stage way is faster than its one-stage way; both are for
/// processors and orders for which our own does not pay (two_stage.hpp). One Zen 4 core, OpenBLAS
/// 0.3.21, one-stage / two-stage in seconds: n = 1,500 0.19 / 0.23, n = 2,000 0.56 / 0.49, n =
/// 2,500 1.72 / 0.96, n = 4,000 6.6 / 3.2.
constexpr std::size_t kLapackTwoStageFrom = 1800;

/// Σ x², in as many sums as a cache line has entries, so that additions need not wait for one
/// another.
template <typename T>
double sum_of_squares(std::span<const T> x) {
  constexpr std::size_t kSums = 8;
  std::array<double, kSums> sums{};
  std::size_t j = 0;
  for (; j + kSums <= x.size(); j += kSums) {
    for (std::size_t k = 0; k < kSums; ++k) {
      const auto entry = static_cast<double>(x[j + k]);
      sums[k] += entry * entry;
    }
  }
  for (; j < x.size(); ++j) sums[0] += static_cast<double>(x[j]) * static_cast<double>(x[j]);
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

/// ‖x‖₂, scaled where a square is out of range, so that tiny entries do not pass for zeros, nor
/// huge ones for infinity.
template <typename T>
double norm_of_row(std::span<const T> x) {
  const double square = sum_of_squares(x);
  if (square > 1e-250 && square < 1e300) return std::sqrt(square);
  double largest = 0;
  for (const T entry : x) largest = std::max(largest, std::abs(static_cast<double>(entry)));
  double sum = 0;
  for (std::size_t j = 0; largest > 0 && j < x.size(); ++j) {
    const double scaled = static_cast<double>(x[j]) / largest;
    sum += scaled * scaled;
  }
  return largest * std::sqrt(sum);
}

/// Vectors of a task of the residuals: each reads the matrix once.
constexpr std::size_t kResidualRows = 128;

/// ‖·‖₂ of every row: what ‖A‖_F and the rows that vanish are read from.
template <typename T>
std::vector<double> row_norms(std::size_t n, std::span<const T> a, const Control& control) {
  std::vector<double> norms(n);
  // Fewer entries are read sooner than another thread wakes.
  constexpr std::size_t kEntries = std::size_t{1} << 16U;
  const std::size_t rows = std::max<std::size_t>(64, kEntries / n);
  parallel_for(control, (n + rows - 1) / rows, [&](std::size_t block) {
    for (std::size_t i = block * rows; i < std::min(n, (block + 1) * rows); ++i) {
      norms[i] = norm_of_row(a.subspan(i * n, n));
    }
  });
  return norms;
}

double norm_of(const std::vector<double>& norms) {
  const double largest = *std::max_element(norms.begin(), norms.end());
  if (largest == 0 || std::isinf(largest)) return largest;
  double sum = 0;
  for (const double norm : norms) sum += (norm / largest) * (norm / largest);
  return largest * std::sqrt(sum);
}

/// Moves the rows and columns listed in `kept` to the front, as a matrix [kept, kept].
template <typename T>
void compress(std::size_t n, const std::vector<std::size_t>& kept, std::span<T> a) {
  T* to = a.data();
  for (const std::size_t i : kept) {
    for (const std::size_t j : kept) *to++ = a[i * n + j];
  }
}

/// From this order on LAPACK's reduction to a tridiagonal matrix with our last stage is faster than
/// xSYEVD, where ours has wide vectors (docs/decisions/0003-two-stage-crossover.md).
constexpr std::size_t kOwnValuesFrom = 44;

/// One stage, LAPACK's, and our values of the tridiagonal matrix.
template <typename T>
std::vector<double> one_stage_eigenvalues(std::size_t n, std::span<T> a, double norm,
                                          const Control& control) {
  const int exponent = scale_to_one<T>(n, a, norm, control);
  std::vector<T> diagonal(n);
  std::vector<T> subdiagonal(n);
  control.report("full to tridiagonal", 0, 1);
  lapack::tridiagonal_form<T>(n, a, diagonal, subdiagonal);
  control.report("full to tridiagonal", 1, 1);
  std::vector<double> values =
      tridiagonal_values<T>(diagonal, std::span<const T>(subdiagonal).first(n - 1), control);
  for (double& value : values) value = std::ldexp(value, -exponent);
  return values;
}

template <typename T>
std::vector<double> solve(std::size_t n, std::span<T> a, double norm, const Control& control) {
  if (two_stage_pays<T>(n)) return two_stage_eigenvalues<T>(n, a, norm, control);
  if (has_wide_vectors() && n >= kOwnValuesFrom) {
    return one_stage_eigenvalues<T>(n, a, norm, control);
  }
  std::vector<T> values(n);
  if (n >= kLapackTwoStageFrom) {
    lapack::eigenvalues_two_stage<T>(n, a, values);
  } else if (n > 0) {
    lapack::eigenvalues_one_stage<T>(n, a, values);
  }
  return {values.begin(), values.end()};
}

/// ‖v A − λ v‖₂ for rows v, where the strict lower triangle and the diagonal of a are A's.
template <typename T>
std::vector<double> residual_norms(std::size_t n, std::span<const T> a,
                                   const std::vector<double>& values, std::span<const T> vectors,
                                   const Control& control) {
  constexpr std::size_t kRows = kResidualRows;
  const std::size_t count = values.size();
  std::vector<double> norms(count);
  std::atomic<std::size_t> done = 0;
  control.report("residuals", 0, static_cast<double>(count));
  parallel_for(control, (count + kRows - 1) / kRows, [&](std::size_t block) {
    const std::size_t first = block * kRows;
    const std::size_t rows = std::min(kRows, count - first);
    AlignedBuffer<T> products(rows * n);
    blas::symm<T>(rows, n, a.data(), vectors.data() + first * n, products.data());
    for (std::size_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (std::size_t j = 0; j < n; ++j) {
        const double residual =
            static_cast<double>(products[r * n + j]) -
            values[first + r] * static_cast<double>(vectors[(first + r) * n + j]);
        sum += residual * residual;
      }
      norms[first + r] = std::sqrt(sum);
    }
    control.report("residuals", static_cast<double>(done += rows), static_cast<double>(count));
  });
  return norms;
}

/// From pairs of 2^exponent·A to those of A.
template <typename T>
void unscale(int exponent, DenseEigenpairs<T>& pairs) {
  for (double& value : pairs.values) value = std::ldexp(value, -exponent);
  for (double& residual : pairs.residual_norms) residual = std::ldexp(residual, -exponent);
}

template <typename T>
DenseEigenpairs<T> pairs_by_lapack(std::size_t n, std::span<T> a, EigenpairRange range,
                                   const Control& control) {
  const std::size_t count = range.last - range.first;
  // LAPACK's own scaling, by its largest entry to 1e-146 at least, leaves squares out of range.
  const double norm = norm_of(row_norms<T>(n, a, control));
  const int exponent = scale_to_one<T>(n, a, norm, control);
  DenseEigenpairs<T> pairs;
  std::vector<T> values(count);
  AlignedBuffer<T> copy;
  std::span<const T> matrix = a;
  if (count == n) {
    copy.resize(n * n);
    std::copy_n(a.data(), n * n, copy.data());
    lapack::eigenpairs<T>(n, a, values);
    pairs.vectors.assign(a.begin(), a.end());
    matrix = copy.span();
  } else if (count > 0) {
    std::vector<T> diagonal(n);
    for (std::size_t i = 0; i < n; ++i) diagonal[i] = a[i * n + i];
    pairs.vectors.resize(count * n);
    lapack::eigenpairs_in_range<T>(n, a, range.first, range.last, values, pairs.vectors);
    for (std::size_t i = 0; i < n; ++i) a[i * n + i] = diagonal[i];
  }
  pairs.values.assign(values.begin(), values.end());
  control.check();
  pairs.residual_norms = residual_norms<T>(n, matrix, pairs.values, pairs.vectors, control);
  unscale(exponent, pairs);
  return pairs;
}

template <typename T>
DenseEigenpairs<T> pairs_in_two_stages(std::size_t n, std::span<T> a, EigenpairRange range,
                                       const Control& control) {
  const double norm = norm_of(row_norms<T>(n, a, control));
  ScaledPairs<T> scaled = two_stage_eigenpairs<T>(n, a, norm, range.first, range.last, control);
  DenseEigenpairs<T> pairs;
  pairs.values.assign(scaled.values.begin(), scaled.values.end());
  pairs.vectors = std::move(scaled.vectors);
  pairs.residual_norms = residual_norms<T>(n, a, pairs.values, pairs.vectors, control);
  unscale(scaled.exponent, pairs);
  return pairs;
}

}  // namespace

template <typename T>
DenseSpectrum symmetric_eigenvalues(std::size_t n, std::span<T> a, const Control& control) {
  if (n == 0) return {};
  const std::vector<double> norms = row_norms<T>(n, a, control);
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < n; ++i) {
    if (norms[i] != 0) kept.push_back(i);
  }
  if (kept.size() < n) compress(n, kept, a);
  control.check();
  control.report("eigenvalues", 0, static_cast<double>(n));
  DenseSpectrum spectrum;
  spectrum.norm = norm_of(norms);
  spectrum.values =
      solve<T>(kept.size(), a.first(kept.size() * kept.size()), spectrum.norm, control);
  spectrum.exact_zeros = n - kept.size();
  const auto place = std::lower_bound(spectrum.values.begin(), spectrum.values.end(), 0.0);
  spectrum.values.insert(place, spectrum.exact_zeros, 0.0);
  control.report("eigenvalues", static_cast<double>(n), static_cast<double>(n));
  return spectrum;
}

template <typename T>
DenseEigenpairs<T> symmetric_eigenpairs(std::size_t n, std::span<T> a, EigenpairRange range,
                                        const Control& control) {
  control.report("eigenpairs", 0, static_cast<double>(n));
  if (range.first == range.last) return {};
  DenseEigenpairs<T> pairs = two_stage_pairs_pay<T>(n)
                                 ? pairs_in_two_stages<T>(n, a, range, control)
                                 : pairs_by_lapack<T>(n, a, range, control);
  control.report("eigenpairs", static_cast<double>(n), static_cast<double>(n));
  return pairs;
}

std::size_t symmetric_eigenvalues_workspace(std::size_t n, std::size_t entry_bytes) {
  return std::max(lapack::eigenvalues_workspace(n, entry_bytes),
                  two_stage_workspace(n, entry_bytes));
}

std::size_t symmetric_eigenpairs_workspace(std::size_t n, std::size_t entry_bytes,
                                           EigenpairRange range) {
  const std::size_t count = range.last - range.first;
  const std::size_t products = std::min(count, kMaximumThreads * kResidualRows) * n * entry_bytes;
  const bool is_double = entry_bytes == sizeof(double);
  if (is_double ? two_stage_pairs_pay<double>(n) : two_stage_pairs_pay<float>(n)) {
    return std::max(two_stage_pairs_workspace(n, count, entry_bytes),
                    count * n * entry_bytes + products);
  }
  if (count == n) return 2 * n * n * entry_bytes + lapack::eigenpairs_workspace(n, entry_bytes);
  return count * n * entry_bytes + products + lapack::range_workspace(n, entry_bytes);
}

template DenseSpectrum symmetric_eigenvalues<double>(std::size_t, std::span<double>,
                                                     const Control&);
template DenseSpectrum symmetric_eigenvalues<float>(std::size_t, std::span<float>, const Control&);
template DenseEigenpairs<double> symmetric_eigenpairs<double>(std::size_t, std::span<double>,
                                                              EigenpairRange, const Control&);
template DenseEigenpairs<float> symmetric_eigenpairs<float>(std::size_t, std::span<float>,
                                                            EigenpairRange, const Control&);

}  // namespace eigenscape
