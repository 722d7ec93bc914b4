#include "eigensolver/divide_and_conquer.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <numeric>

#include "core/aligned_buffer.hpp"
#include "core/chunked_sum.hpp"
#include "core/thread_pool.hpp"
#include "linalg/blas.hpp"
#include "linalg/tridiagonal_lapack.hpp"

namespace eigenscape {
namespace {

using blas::Form;

/// Orders up to which a block is solved by QL steps.
constexpr std::size_t kLeaf = 48;
/// Roots and entries of ẑ of a task.
constexpr std::size_t kChunk = 64;
/// Vectors of a task.
constexpr std::size_t kSlice = 128;
/// From this order on a merge is cut into tasks; smaller ones are a task each.
constexpr std::size_t kCutFrom = 512;

template <typename T>
class Solver {
 public:
  Solver(std::span<T> d, std::span<T> e, std::span<T> vectors, std::span<T> scratch,
         const Control& control)
      : n_(d.size()),
        d_(d),
        e_(e),
        q_(vectors),
        halves_(scratch),
        control_(control),
        z_(n_),
        poles_(n_),
        weights_(n_),
        ranks_(n_),
        permutation_(n_),
        integers_(3 * n_) {}

  std::vector<std::size_t> run() {
    control_.report("tridiagonal", 0, 1);
    std::vector<std::size_t> ends = split();
    solve_leaves(ends);
    while (ends.size() > 2) {
      merge_level(ends);
      std::vector<std::size_t> joined;
      for (std::size_t i = 0; i < ends.size(); i += 2) joined.push_back(ends[i]);
      ends = std::move(joined);
    }
    control_.report("tridiagonal", 1, 1);
    std::vector<std::size_t> order(n_);
    for (std::size_t i = 0; i < n_; ++i) order[i] = static_cast<std::size_t>(ranks_[i] - 1);
    return order;
  }

 private:
  /// Where leaves begin, and n: a power of two of them; each cut takes its rank-one part away.
  std::vector<std::size_t> split() {
    std::vector<std::size_t> ends{0, n_};
    while (ends[1] - ends[0] > kLeaf || ends.back() - ends[ends.size() - 2] > kLeaf) {
      std::vector<std::size_t> finer{0};
      for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
        finer.push_back(ends[i] + (ends[i + 1] - ends[i]) / 2);
        finer.push_back(ends[i + 1]);
      }
      ends = std::move(finer);
    }
    for (std::size_t i = 1; i + 1 < ends.size(); ++i) {
      d_[ends[i] - 1] -= std::abs(e_[ends[i] - 1]);
      d_[ends[i]] -= std::abs(e_[ends[i] - 1]);
    }
    // All merges, and 1 for the leaves: order³ each.
    for (std::size_t size = n_; size > kLeaf; size /= 2)
      work_ += cube(size) * double(n_) / double(size);
    return ends;
  }

  static double cube(std::size_t size) {
    return static_cast<double>(size) * static_cast<double>(size) * static_cast<double>(size);
  }

  void solve_leaves(const std::vector<std::size_t>& ends) {
    parallel_for(control_, ends.size() - 1, [&](std::size_t leaf) {
      const std::size_t first = ends[leaf];
      const std::size_t size = ends[leaf + 1] - first;
      std::fill_n(&q_[first * n_], size * n_, T{});
      std::vector<T> work(2 * size);
      lapack::tridiagonal_by_steps<T>(size, &d_[first], e_.data() + first, &q_[first * n_ + first],
                                      n_, work.data());
      std::iota(&ranks_[first], &ranks_[first] + size, 1);
    });
  }

  void merge_level(const std::vector<std::size_t>& ends) {
    const std::size_t merges = (ends.size() - 1) / 2;
    const auto merge = [&](std::size_t i, const Control& control) {
      merge_halves(ends[2 * i], ends[2 * i + 1], ends[2 * i + 2], control);
    };
    if (ends[2] - ends[0] < kCutFrom) {
      parallel_for(control_, merges, [&](std::size_t i) { merge(i, Control(&control_)); });
    } else {
      for (std::size_t i = 0; i < merges; ++i) merge(i, control_);
    }
  }

  void merge_halves(std::size_t begin, std::size_t cut, std::size_t end, const Control& control) {
    lapack::Merge<T> merge{.order = end - begin,
                           .first = cut - begin,
                           .values = &d_[begin],
                           .vectors = &q_[begin * n_ + begin],
                           .stride = n_,
                           .ranks = &ranks_[begin],
                           .rho = e_[cut - 1],
                           .z = &z_[begin],
                           .poles = &poles_[begin],
                           .weights = &weights_[begin],
                           .halves = &halves_[begin * n_],
                           .permutation = &permutation_[begin],
                           .integers = &integers_[3 * begin]};
    for (std::size_t i = begin; i < cut; ++i) z_[i] = q_[i * n_ + cut - 1];
    for (std::size_t i = cut; i < end; ++i) z_[i] = q_[i * n_ + cut];
    lapack::deflate(merge);
    find_roots(merge, control);
    if (merge.kept > 2) find_weights(merge, control);
    multiply(merge, control);
    std::iota(merge.ranks, merge.ranks + merge.order, 1);
    std::sort(merge.ranks, merge.ranks + merge.order, [&](int a, int b) {
      return merge.values[a - 1] < merge.values[b - 1] ||
             (merge.values[a - 1] == merge.values[b - 1] && a < b);
    });
    advance(cube(merge.order) *
            (1 - static_cast<double>(merge.kept) / static_cast<double>(merge.order)));
  }

  /// Row j of the vectors: d_i − λ_j.
  void find_roots(const lapack::Merge<T>& merge, const Control& control) {
    const std::size_t k = merge.kept;
    parallel_for(control, (k + kChunk - 1) / kChunk, [&](std::size_t chunk) {
      for (std::size_t j = chunk * kChunk; j < std::min(k, (chunk + 1) * kChunk); ++j) {
        merge.values[j] = lapack::secular_root<T>(k, j, merge.poles, merge.weights, merge.rho,
                                                  merge.vectors + j * merge.stride);
      }
    });
  }

  /// ẑ in the place of z, with its signs.
  void find_weights(const lapack::Merge<T>& merge, const Control& control) {
    const std::size_t k = merge.kept;
    parallel_for(control, (k + kChunk - 1) / kChunk, [&](std::size_t chunk) {
      const std::size_t first = chunk * kChunk;
      const std::size_t last = std::min(k, first + kChunk);
      T* const square = merge.z;  // what it held is in the weights
      for (std::size_t i = first; i < last; ++i) square[i] = merge.vectors[i * merge.stride + i];
      for (std::size_t j = 0; j < k; ++j) {
        const T* const delta = merge.vectors + j * merge.stride;
        const auto multiply_by = [&](std::size_t from, std::size_t to) {
          for (std::size_t i = from; i < to; ++i) {
            square[i] *= delta[i] / (merge.poles[i] - merge.poles[j]);
          }
        };
        multiply_by(first, std::clamp(j, first, last));
        multiply_by(std::clamp(j + 1, first, last), last);
      }
      for (std::size_t i = first; i < last; ++i) {
        merge.weights[i] = std::copysign(std::sqrt(-square[i]), merge.weights[i]);
      }
    });
  }

  /// Vector j of D + ρ z zᵀ, in the order of the vectors of the halves.
  static void secular_vector(const lapack::Merge<T>& merge, std::size_t j, T* scratch, T* vector) {
    const std::size_t k = merge.kept;
    const T* const delta = merge.vectors + j * merge.stride;
    T length = 1;
    if (k > 2) {
      T sum = 0;
      for (std::size_t i = 0; i < k; ++i) {
        scratch[i] = merge.weights[i] / delta[i];
        sum += scratch[i] * scratch[i];
      }
      length = std::sqrt(sum);
    } else {
      std::copy_n(delta, k, scratch);
    }
    for (std::size_t i = 0; i < k; ++i) {
      vector[i] = scratch[merge.permutation[i] - 1] / length;
    }
  }

  void multiply(const lapack::Merge<T>& merge, const Control& control) {
    const std::size_t k = merge.kept;
    const std::size_t rest = merge.order - merge.first;
    parallel_for(control, (k + kSlice - 1) / kSlice, [&](std::size_t slice) {
      auto scratch = scratch_.take([&] { return std::make_unique<AlignedBuffer<T>>(); });
      scratch->resize((kSlice + 1) * n_);
      T* const s = scratch->data() + k;
      const std::size_t first = slice * kSlice;
      const std::size_t rows = std::min(kSlice, k - first);
      for (std::size_t j = 0; j < rows; ++j) {
        secular_vector(merge, first + j, scratch->data(), s + j * k);
      }
      T* const to = merge.vectors + first * merge.stride;
      blas::gemm<T>(Form::plain, Form::plain, rows, merge.first, merge.top, 1, s, k, merge.halves,
                    merge.first, 0, to, merge.stride);
      blas::gemm<T>(Form::plain, Form::plain, rows, rest, merge.bottom, 1, s + merge.bottom_first,
                    k, merge.halves + merge.first * merge.top, rest, 0, to + merge.first,
                    merge.stride);
      scratch_.give_back(std::move(scratch));
      advance(cube(merge.order) * static_cast<double>(rows) / static_cast<double>(merge.order));
    });
  }

  void advance(double work) {
    control_.report("tridiagonal", std::min(1.0, (done_ += work) / work_), 1);
  }

  std::size_t n_;
  std::span<T> d_;
  std::span<T> e_;
  std::span<T> q_;
  std::span<T> halves_;
  const Control& control_;
  std::vector<T> z_;
  std::vector<T> poles_;
  std::vector<T> weights_;
  std::vector<int> ranks_;
  std::vector<int> permutation_;
  std::vector<int> integers_;
  Workspaces<AlignedBuffer<T>> scratch_;
  double work_ = 0;
  std::atomic<double> done_ = 0;
};

}  // namespace

template <typename T>
std::vector<std::size_t> divide_and_conquer(std::span<T> d, std::span<T> e, std::span<T> vectors,
                                            std::span<T> scratch, const Control& control) {
  return Solver<T>(d, e, vectors, scratch, control).run();
}

std::size_t divide_and_conquer_workspace(std::size_t n, std::size_t entry_bytes) {
  const std::size_t slices = std::min(kMaximumThreads, (n + kSlice - 1) / kSlice);
  return slices * (kSlice + 1) * n * entry_bytes + n * (3 * entry_bytes + 7 * sizeof(int));
}

template std::vector<std::size_t> divide_and_conquer<double>(std::span<double>, std::span<double>,
                                                             std::span<double>, std::span<double>,
                                                             const Control&);
template std::vector<std::size_t> divide_and_conquer<float>(std::span<float>, std::span<float>,
                                                            std::span<float>, std::span<float>,
                                                            const Control&);

}  // namespace eigenscape
