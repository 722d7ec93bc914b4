#include "linalg/krylov_basis.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/chunked_sum.hpp"
#include "core/thread_pool.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

/// Columns of a tile: 40 rows of them in float64 stay in a second-level cache of 1 MB.
constexpr std::size_t kTile = 2048;
/// Partial sums of inner products, at most.
constexpr std::size_t kPartials = 16;
/// A pass that leaves less than this share of a row has cancelled; another one follows (Daniel et
/// al. 1976: "twice is enough" once a pass leaves more).
constexpr double kCancelled = 0.7;
constexpr int kPasses = 5;

std::size_t tiles_of(std::size_t n) { return (n + kTile - 1) / kTile; }

/// SplitMix64 (Steele, Lea and Flood 2014) as a function of its counter.
std::uint64_t mix(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

/// In (0, 1].
double uniform(std::uint64_t word) { return static_cast<double>((word >> 11U) + 1) * 0x1p-53; }

template <typename T>
struct Matrix {
  AlignedBuffer<T> entries;
  void add(const Matrix& other) {
    for (std::size_t i = 0; i < entries.size(); ++i) entries[i] += other.entries[i];
  }
};

}  // namespace

template <typename T>
KrylovBasis<T>::KrylovBasis(std::size_t n, std::size_t capacity)
    : n_(n), capacity_(capacity), v_(n * capacity) {}

template <typename T>
template <typename Body>
void KrylovBasis<T>::each_tile(const Control& control, const Body& body) const {
  parallel_for(control, tiles_of(n_), [&](std::size_t tile) {
    const std::size_t start = tile * kTile;
    body(start, std::min(kTile, n_ - start));
  });
}

template <typename T>
void KrylovBasis<T>::randomize(std::size_t first, std::size_t count, std::uint64_t seed,
                               RandomEntries entries, const Control& control) {
  each_tile(control, [&](std::size_t start, std::size_t width) {
    for (std::size_t i = first; i < first + count; ++i) {
      const std::uint64_t stream = mix(mix(seed) + (i - first));
      T* const out = row(i);
      for (std::size_t j = start; j < start + width; ++j) {
        const std::uint64_t word = mix(stream + 2 * j);
        if (entries == RandomEntries::rademacher) {
          out[j] = (word >> 63U) != 0 ? T{1} : T{-1};
        } else {
          const double angle = 2 * std::numbers::pi * uniform(mix(stream + 2 * j + 1));
          out[j] = static_cast<T>(std::sqrt(-2 * std::log(uniform(word))) * std::cos(angle));
        }
      }
    }
  });
}

template <typename T>
std::vector<double> KrylovBasis<T>::products(std::size_t first, std::size_t count, std::size_t base,
                                             std::size_t others, const Control& control) const {
  const std::size_t tiles = tiles_of(n_);
  const SumPlan plan{n_, kTile, tiles, std::min(tiles, kPartials)};
  const auto make = [&] {
    Matrix<T> sum{AlignedBuffer<T>(count * others)};
    sum.entries.zero();
    return sum;
  };
  Matrix<T> total = make();
  // total [count, others] = W [count, n] · Vᵀ
  chunked_sum(plan, control, total, make, [&](const Chunk& chunk, Matrix<T>& sum) {
    blas::gemm<T>(blas::Form::plain, blas::Form::transposed, count, others, chunk.count, T{1},
                  row(first) + chunk.first, n_, row(base) + chunk.first, n_, T{1},
                  sum.entries.data(), std::max<std::size_t>(others, 1));
  });
  return {total.entries.data(), total.entries.data() + count * others};
}

template <typename T>
void KrylovBasis<T>::subtract(std::size_t base, std::size_t others, std::size_t first,
                              std::size_t count, std::span<const double> c,
                              const Control& control) {
  if (others == 0) return;
  const std::vector<T> coefficients(c.begin(), c.end());
  // W −= C · V
  each_tile(control, [&](std::size_t start, std::size_t width) {
    blas::gemm<T>(blas::Form::plain, blas::Form::plain, count, width, others, T{-1},
                  coefficients.data(), others, row(base) + start, n_, T{1}, row(first) + start, n_);
  });
}

template <typename T>
double KrylovBasis<T>::norm(std::size_t i, const Control& control) const {
  return std::sqrt(std::max(0.0, products(i, 1, i, 1, control)[0]));
}

template <typename T>
void KrylovBasis<T>::scale(std::size_t i, double factor, const Control& control) {
  each_tile(control, [&](std::size_t start, std::size_t width) {
    T* const out = row(i) + start;
    for (std::size_t j = 0; j < width; ++j) out[j] = static_cast<T>(out[j] * factor);
  });
}

/// Passes against rows [base, i) until none cancels; adds their coefficients to c; returns what
/// remains.
template <typename T>
double KrylovBasis<T>::orthogonalize_row(std::size_t base, std::size_t i, std::span<double> c,
                                         const Control& control) {
  const std::size_t others = i - base;
  double before = norm(i, control);
  for (int pass = 0; pass < kPasses && others > 0 && before > 0; ++pass) {
    const std::vector<double> share = products(i, 1, base, others, control);
    subtract(base, others, i, 1, share, control);
    for (std::size_t j = 0; j < others && !c.empty(); ++j) c[j] += share[j];
    const double after = norm(i, control);
    if (after > kCancelled * before) return after;
    before = after;
  }
  return before;
}

template <typename T>
std::vector<double> KrylovBasis<T>::orthonormalize(std::size_t base, std::size_t first,
                                                   std::size_t count, double least,
                                                   std::uint64_t seed, const Control& control) {
  const std::size_t others = first - base;
  const std::size_t width = others + count;
  std::vector<double> c(count * width, 0.0);
  for (int pass = 0; pass < 2 && others > 0; ++pass) {
    const std::vector<double> share = products(first, count, base, others, control);
    subtract(base, others, first, count, share, control);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = 0; j < others; ++j) c[i * width + j] += share[i * others + j];
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t current = first + i;
    const std::span<double> coefficients(c.data() + i * width, width);
    const double left = orthogonalize_row(base, current, coefficients, control);
    if (current - base >= n_) {
      scale(current, 0, control);
      continue;
    }
    if (left > least) {
      coefficients[others + i] = left;
      scale(current, 1 / left, control);
      continue;
    }
    randomize(current, 1, seed + i, RandomEntries::normal, control);
    const double random = orthogonalize_row(base, current, {}, control);
    scale(current, 1 / random, control);
    const double again = orthogonalize_row(base, current, {}, control);
    scale(current, 1 / again, control);
  }
  return c;
}

template <typename T>
void KrylovBasis<T>::rotate(std::size_t from, std::size_t to, std::span<const double> s,
                            std::size_t moved, const Control& control) {
  const std::vector<T> coefficients(s.begin(), s.end());
  Workspaces<AlignedBuffer<T>> scratch;
  each_tile(control, [&](std::size_t start, std::size_t width) {
    auto rotated = scratch.take([&] { return std::make_unique<AlignedBuffer<T>>(to * kTile); });
    blas::gemm<T>(blas::Form::plain, blas::Form::plain, to, width, from, T{1}, coefficients.data(),
                  from, row(0) + start, n_, T{0}, rotated->data(), kTile);
    for (std::size_t i = 0; i < to; ++i) {
      std::copy_n(rotated->data() + i * kTile, width, row(i) + start);
    }
    for (std::size_t i = 0; i < moved; ++i) {
      std::copy_n(row(from + i) + start, width, row(to + i) + start);
    }
    scratch.give_back(std::move(rotated));
  });
}

template <typename T>
std::vector<double> KrylovBasis<T>::residuals(std::size_t first, std::span<const double> theta,
                                              const Control& control) {
  each_tile(control, [&](std::size_t start, std::size_t width) {
    for (std::size_t i = 0; i < theta.size(); ++i) {
      const T* const v = row(i) + start;
      T* const w = row(first + i) + start;
      for (std::size_t j = 0; j < width; ++j) w[j] = static_cast<T>(w[j] - theta[i] * v[j]);
    }
  });
  std::vector<double> norms;
  for (std::size_t i = 0; i < theta.size(); ++i) norms.push_back(norm(first + i, control));
  return norms;
}

template class KrylovBasis<double>;
template class KrylovBasis<float>;

}  // namespace eigenscape
