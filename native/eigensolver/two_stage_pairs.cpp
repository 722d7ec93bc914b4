#include "eigensolver/two_stage_pairs.hpp"

#include <algorithm>
#include <memory>

#include "core/aligned_buffer.hpp"
#include "core/thread_pool.hpp"
#include "eigensolver/band_to_tridiagonal.hpp"
#include "eigensolver/band_transformation.hpp"
#include "eigensolver/bulge_transformation.hpp"
#include "eigensolver/divide_and_conquer.hpp"
#include "eigensolver/full_to_band.hpp"
#include "eigensolver/tile_kernels.hpp"
#include "eigensolver/two_stage.hpp"
#include "linalg/transpose.hpp"

namespace eigenscape {
namespace {

/// The diagonal blocks, of which the reduction leaves neither triangle; the rest comes back from
/// the upper one.
template <typename T>
class SavedMatrix {
 public:
  SavedMatrix(std::size_t n, std::span<const T> a) : n_(n), blocks_(n * kReductionTile) {
    for (std::size_t i = 0; i < n; ++i) {
      std::copy_n(&a[i * n + first(i)], last(i) - first(i), &blocks_[i * kReductionTile]);
    }
  }

  void restore(std::span<T> a, const Control& control) const {
    parallel_for(control, (n_ + kReductionTile - 1) / kReductionTile, [&](std::size_t tile) {
      const std::size_t begin = tile * kReductionTile;
      const std::size_t rows = last(begin) - begin;
      transpose<T>(begin, rows, &a[begin], n_, &a[begin * n_], n_);
      for (std::size_t i = begin; i < begin + rows; ++i) {
        std::copy_n(&blocks_[i * kReductionTile], rows, &a[i * n_ + begin]);
      }
    });
  }

 private:
  [[nodiscard]] static std::size_t first(std::size_t i) {
    return i / kReductionTile * kReductionTile;
  }
  [[nodiscard]] std::size_t last(std::size_t i) const {
    return std::min(n_, first(i) + kReductionTile);
  }

  std::size_t n_;
  AlignedBuffer<T> blocks_;  // [n, kReductionTile]
};

template <typename T>
struct Tridiagonal {
  std::vector<T> diagonal;
  std::vector<T> subdiagonal;
};

template <typename T>
Tridiagonal<T> reduce(std::size_t n, std::span<T> a, double norm, std::span<T> tau,
                      BulgeReflectors<T>& reflectors, const Control& control) {
  BandMatrix<T> band(n, reflectors.width());
  full_to_band<T>(a, norm, band, tau, control);
  Tridiagonal<T> result{std::vector<T>(n), std::vector<T>(n)};
  band_to_tridiagonal<T>(band, result.diagonal, result.subdiagonal, &reflectors, control);
  result.subdiagonal.pop_back();
  return result;
}

}  // namespace

template <typename T>
bool two_stage_pairs_pay(std::size_t n) {
  return has_wide_vectors() && n >= two_stage_tuning<T>().pairs_from;
}

template <typename T>
ScaledPairs<T> two_stage_eigenpairs(std::size_t n, std::span<T> a, double norm, std::size_t first,
                                    std::size_t last, const Control& control) {
  ScaledPairs<T> pairs;
  pairs.exponent = scale_to_one<T>(n, a, norm, control);
  const SavedMatrix<T> saved(n, a);
  std::vector<T> tau(n);
  auto reflectors = std::make_unique<BulgeReflectors<T>>(n, two_stage_tuning<T>().width);
  Tridiagonal<T> t = reduce<T>(n, a, scaled_norm(norm, pairs.exponent), tau, *reflectors, control);

  const std::size_t count = last - first;
  auto z = std::make_unique<AlignedBuffer<T>>(n * n);
  pairs.vectors.resize(count * n);
  AlignedBuffer<T> scratch;
  if (count < n) scratch.resize(n * n);
  std::vector<std::size_t> rows =
      divide_and_conquer<T>(t.diagonal, t.subdiagonal, z->span(),
                            count < n ? scratch.span() : std::span<T>(pairs.vectors), control);
  rows = {rows.begin() + static_cast<std::ptrdiff_t>(first),
          rows.begin() + static_cast<std::ptrdiff_t>(last)};
  for (const std::size_t row : rows) pairs.values.push_back(t.diagonal[row]);

  apply_bulge_reflectors<T>(*reflectors, rows, z->data(), pairs.vectors.data(), control);
  z.reset();
  reflectors.reset();
  apply_band_reflectors<T>(n, two_stage_tuning<T>().width, a, tau, pairs.vectors, control);
  saved.restore(a, control);
  return pairs;
}

std::size_t two_stage_pairs_workspace(std::size_t n, std::size_t count, std::size_t entry_bytes) {
  if (n < 2) return 0;
  const std::size_t reduction = two_stage_workspace(n, entry_bytes);
  const std::size_t most = std::max({reduction, divide_and_conquer_workspace(n, entry_bytes),
                                     bulge_transformation_workspace(n, count, entry_bytes),
                                     band_transformation_workspace(n, count, entry_bytes)});
  const std::size_t vectors = n * n + (count < n ? n * n : 0) + count * n;
  const std::size_t kept = BulgeReflectors<double>::entry_count(n) + n * (kReductionTile + 3);
  return (vectors + kept) * entry_bytes + most;
}

template bool two_stage_pairs_pay<double>(std::size_t);
template bool two_stage_pairs_pay<float>(std::size_t);
template ScaledPairs<double> two_stage_eigenpairs<double>(std::size_t, std::span<double>, double,
                                                          std::size_t, std::size_t, const Control&);
template ScaledPairs<float> two_stage_eigenpairs<float>(std::size_t, std::span<float>, double,
                                                        std::size_t, std::size_t, const Control&);

}  // namespace eigenscape
