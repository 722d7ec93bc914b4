#include "linalg/krylov_basis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <utility>

#include "core/chunked_sum.hpp"
#include "core/thread_pool.hpp"
#include "linalg/blas.hpp"
#include "linalg/row_kernels.hpp"

namespace eigenscape {
namespace {

/// Columns of a tile: in float64 a row's share is a page, and the tile of 200 rows stays in a
/// second-level cache between an update and the products that follow it.
constexpr std::size_t kTile = 512;
/// Partial sums of inner products, at most.
constexpr std::size_t kPartials = 16;
/// A pass that leaves less than this share of a row has cancelled; another one follows (Daniel et
/// al. 1976: "twice is enough" once a pass leaves more).
constexpr double kCancelled = 0.7;
constexpr int kPasses = 5;
/// A row of a block keeps at least this share of what one pass left of it, or is taken by itself:
/// rounding of the pass grows by its inverse.
constexpr double kKept = 0.1;
/// What is left of a row is rounding below this share of it.
template <typename T>
constexpr double kRounding = 8 * static_cast<double>(std::numeric_limits<T>::epsilon());

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

struct Sums {
  std::vector<double> entries;
  void add(const Sums& other) {
    for (std::size_t i = 0; i < entries.size(); ++i) entries[i] += other.entries[i];
  }
};

std::vector<double> identity(std::size_t n) {
  std::vector<double> matrix(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) matrix[i * n + i] = 1;
  return matrix;
}

/// L with G = L·Lᵀ; nothing when not more than kept [i] remains in a pivot.
std::optional<std::vector<double>> cholesky(std::span<const double> g,
                                            std::span<const double> kept) {
  const std::size_t n = kept.size();
  std::vector<double> l(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = g[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= l[i * n + k] * l[j * n + k];
      if (j < i) {
        l[i * n + j] = sum / l[j * n + j];
      } else if (sum > kept[i]) {
        l[i * n + i] = std::sqrt(sum);
      } else {
        return std::nullopt;
      }
    }
  }
  return l;
}

/// L [count, count] · C, where row i of C begins at c + i · stride and has `columns` entries
std::vector<double> multiply_lower(std::span<const double> l, std::size_t count, const double* c,
                                   std::size_t stride, std::size_t columns) {
  std::vector<double> product(count * columns, 0.0);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k <= i; ++k) {
      for (std::size_t j = 0; j < columns; ++j) {
        product[i * columns + j] += l[i * count + k] * c[k * stride + j];
      }
    }
  }
  return product;
}

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
RowTile<T> KrylovBasis<T>::tile(Rows rows, std::size_t start) {
  return {row(rows.first) + start, n_, rows.count};
}
template <typename T>
RowTile<const T> KrylovBasis<T>::tile(Rows rows, std::size_t start) const {
  return {row(rows.first) + start, n_, rows.count};
}

/// Σ over tiles of W · Vᵀ, after `change(start, width)` of a tile.
template <typename T>
template <typename Change>
std::vector<double> KrylovBasis<T>::sweep(Rows w, Rows v, const Control& control,
                                          const Change& change) const {
  const std::size_t tiles = tiles_of(n_);
  const SumPlan plan{n_, kTile, tiles, std::min(tiles, kPartials)};
  const auto make = [&] { return Sums{std::vector<double>(w.count * v.count, 0.0)}; };
  Sums total = make();
  chunked_sum(plan, control, total, make, [&](const Chunk& chunk, Sums& sum) {
    change(chunk.first, chunk.count);
    add_row_products<T>(chunk.count, tile(w, chunk.first), tile(v, chunk.first),
                        sum.entries.data());
  });
  return std::move(total.entries);
}

template <typename T>
std::vector<double> KrylovBasis<T>::products(std::size_t first, std::size_t count, std::size_t base,
                                             std::size_t others, const Control& control) const {
  return sweep({first, count}, {base, others}, control, [](std::size_t, std::size_t) {});
}

template <typename T>
void KrylovBasis<T>::subtract(std::size_t base, std::size_t others, std::size_t first,
                              std::size_t count, std::span<const double> c,
                              const Control& control) {
  if (others == 0) return;
  const std::vector<T> coefficients(c.begin(), c.end());
  // W −= C · V
  each_tile(control, [&](std::size_t start, std::size_t width) {
    subtract_rows<T>(width, coefficients.data(), std::as_const(*this).tile({base, others}, start),
                     tile({first, count}, start));
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

/// W = C·(V, W'), W' orthonormal, one row after the other; each is compared with all before it.
template <typename T>
std::vector<double> KrylovBasis<T>::orthonormalize_rows(Rows v, Rows w,
                                                        std::span<const double> least,
                                                        std::uint64_t seed,
                                                        const Control& control) {
  const std::size_t base = v.first;
  const std::size_t width = v.count + w.count;
  std::vector<double> c(w.count * width, 0.0);
  for (std::size_t i = 0; i < w.count; ++i) {
    const std::size_t current = w.first + i;
    const std::span<double> coefficients(c.data() + i * width, width);
    const double left = orthogonalize_row(base, current, coefficients, control);
    if (current - base >= n_) {
      scale(current, 0, control);
      continue;
    }
    if (left > least[i]) {
      coefficients[v.count + i] = left;
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

/// W −= C·V: first against the last `near` rows of V, where all of it is that a Lanczos step
/// leaves, then against all of V, once more for as long as a row loses much. A pass is two sweeps
/// over V; the second gives G = W·Wᵀ.
template <typename T>
auto KrylovBasis<T>::project(Rows v, Rows w, std::size_t near, const Control& control)
    -> Projection {
  Projection result{std::vector<double>(w.count * v.count, 0.0), {}, {}, {}};
  const auto subtract_then = [&](Rows from, const std::vector<double>& c, Rows with) {
    const std::vector<T> coefficients(c.begin(), c.end());
    return sweep(w, with, control, [&](std::size_t start, std::size_t width) {
      subtract_rows<T>(width, coefficients.data(), std::as_const(*this).tile(from, start),
                       tile(w, start));
    });
  };
  const auto add = [&](const std::vector<double>& c, std::size_t first) {
    const std::size_t columns = v.count - first;
    for (std::size_t i = 0; i < w.count; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        result.c[i * v.count + first + j] += c[i * columns + j];
      }
    }
  };
  const Rows last{v.first + v.count - near, near};
  const std::vector<double> recent = products(w.first, w.count, last.first, near, control);
  add(recent, v.count - near);
  std::vector<double> c = subtract_then(last, recent, v);
  for (int pass = 0; pass < kPasses; ++pass) {
    result.gram = subtract_then(v, c, w);
    add(c, 0);
    result.lost.assign(w.count, 0.0);
    bool cancelled = false;
    for (std::size_t i = 0; i < w.count; ++i) {
      for (std::size_t j = 0; j < v.count; ++j) {
        result.lost[i] += c[i * v.count + j] * c[i * v.count + j];
      }
      const double left = result.gram[i * w.count + i];
      cancelled |= left <= kCancelled * kCancelled * (left + result.lost[i]);
    }
    if (!cancelled) break;
    c = products(w.first, w.count, v.first, v.count, control);
  }
  result.whole.assign(w.count, 0.0);
  for (std::size_t i = 0; i < w.count; ++i) {
    for (std::size_t j = 0; j < v.count; ++j) {
      result.whole[i] += result.c[i * v.count + j] * result.c[i * v.count + j];
    }
  }
  return result;
}

/// W = L·W' by Cholesky twice (Yamamoto et al. 2015), W' orthonormal; where the block is too near
/// to lower rank for that, nothing or half of it is done, and the result says so.
template <typename T>
auto KrylovBasis<T>::orthonormalize_block(Rows w, const Projection& projection,
                                          std::span<const double> least, const Control& control)
    -> BlockFactor {
  BlockFactor result{identity(w.count), false};
  std::vector<double> kept(w.count);
  for (std::size_t i = 0; i < w.count; ++i) {
    const double before = projection.gram[i * w.count + i] + projection.lost[i];
    kept[i] = std::max(kKept * kKept * before, least[i] * least[i]);
  }
  const auto first = cholesky(projection.gram, kept);
  if (!first) return result;
  result.l = *first;
  const auto solve = [&](const std::vector<double>& l) {
    const std::vector<T> factor(l.begin(), l.end());
    return [this, w, factor](std::size_t start, std::size_t width) {
      solve_lower<T>(width, factor.data(), tile(w, start));
    };
  };
  const std::vector<double> again = sweep(w, w, control, solve(*first));
  std::ranges::fill(kept, 0.5);
  const auto second = cholesky(again, kept);
  if (!second) return result;
  each_tile(control, solve(*second));
  result.l = multiply_lower(*first, w.count, second->data(), w.count, w.count);
  result.done = true;
  return result;
}

template <typename T>
std::vector<double> KrylovBasis<T>::orthonormalize(std::size_t base, std::size_t first,
                                                   std::size_t count, std::size_t near,
                                                   double least, std::uint64_t seed,
                                                   const Control& control) {
  const Rows v{base, first - base};
  const Rows w{first, count};
  const std::size_t width = v.count + count;
  const Projection projection = project(v, w, std::min(near, v.count), control);
  // Nor is a direction what rounding of the row itself leaves.
  std::vector<double> floor(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double square = projection.whole[i] + projection.gram[i * count + i];
    floor[i] = std::max(least, kRounding<T> * std::sqrt(square));
  }
  const bool room = width <= n_;
  const BlockFactor block = room ? orthonormalize_block(w, projection, floor, control)
                                 : BlockFactor{identity(count), false};
  std::vector<double> c(count * width, 0.0);
  if (block.done) {
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(block.l.data() + i * count, count, c.data() + i * width + v.count);
    }
  } else {
    // W = L·W₁ and W₁ = C·(V, W').
    for (std::size_t i = 0; i < count; ++i) floor[i] /= block.l[i * count + i];
    const std::vector<double> rows = orthonormalize_rows(v, w, floor, seed, control);
    c = multiply_lower(block.l, count, rows.data(), width, width);
  }
  for (std::size_t i = 0; i < count && v.count > 0; ++i) {
    for (std::size_t j = 0; j < v.count; ++j) c[i * width + j] += projection.c[i * v.count + j];
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
