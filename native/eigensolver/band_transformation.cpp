#include "eigensolver/band_transformation.hpp"

#include <algorithm>
#include <atomic>
#include <memory>

#include "core/aligned_buffer.hpp"
#include "core/chunked_sum.hpp"
#include "core/thread_pool.hpp"
#include "eigensolver/full_to_band.hpp"
#include "eigensolver/panel_qr.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

using blas::Form;

/// Reflectors of a block.
constexpr std::size_t kBlock = kWidestPanel;
static_assert(kReductionTile % kBlock == 0);

/// Rows of a slab: BLAS packs V for each of them.
constexpr std::size_t kMostRows = 256;
constexpr std::size_t kFewestSlabs = 4;

std::size_t slab_rows(std::size_t count) {
  return std::clamp<std::size_t>((count + kFewestSlabs - 1) / kFewestSlabs, 1, kMostRows);
}

std::size_t block_count(std::size_t n, std::size_t width) {
  return n > width ? (n - width + kBlock - 1) / kBlock : 0;
}

template <typename T>
class Transformation {
 public:
  Transformation(std::size_t n, std::size_t width, std::span<T> a, std::span<const T> tau,
                 const Control& control)
      : n_(n),
        b_(width),
        a_(a.data()),
        tau_(tau),
        control_(control),
        t_(block_count(n, width) * kBlock * kBlock) {
    parallel_for(control, block_count(n, width), [&](std::size_t block) { prepare(block); });
  }

  void run(std::span<T> vectors) {
    constexpr const char* kStage = "vectors: band to full";
    const std::size_t count = vectors.size() / n_;
    const std::size_t rows = slab_rows(count);
    const std::size_t slabs = (count + rows - 1) / rows;
    const auto steps = static_cast<double>(slabs * block_count(n_, b_));
    Workspaces<AlignedBuffer<T>> workspaces;
    std::atomic<std::size_t> done = 0;
    control_.report(kStage, 0, steps);
    parallel_for(control_, slabs, [&](std::size_t slab) {
      auto scratch =
          workspaces.take([&] { return std::make_unique<AlignedBuffer<T>>(2 * rows * kBlock); });
      const std::size_t first = slab * rows;
      for (std::size_t block = block_count(n_, b_); block-- > 0;) {
        control_.check();
        apply(block, std::min(rows, count - first), &vectors[first * n_], scratch->data());
        control_.report(kStage, static_cast<double>(++done), steps);
      }
      workspaces.give_back(std::move(scratch));
    });
    control_.report(kStage, steps, steps);
  }

 private:
  /// The block's V [n − first − b, columns], with ones and zeros, and T [columns, columns].
  [[nodiscard]] T* v_of(std::size_t block) const {
    return a_ + (block * kBlock + b_) * n_ + block * kBlock;
  }
  [[nodiscard]] T* t_of(std::size_t block) { return &t_[block * kBlock * kBlock]; }
  [[nodiscard]] std::size_t height_of(std::size_t block) const { return n_ - block * kBlock - b_; }
  [[nodiscard]] std::size_t columns_of(std::size_t block) const {
    return std::min(kBlock, height_of(block));
  }

  void prepare(std::size_t block) {
    const std::size_t columns = columns_of(block);
    T* const v = v_of(block);
    for (std::size_t i = 0; i < columns; ++i) {
      // The last column has no row below its first: no reflector.
      v[i * n_ + i] = T(i + 1 < height_of(block));
      std::fill(v + i * n_ + i + 1, v + i * n_ + columns, T{});
    }
    AlignedBuffer<T> gram(columns * columns);
    blas::gemm<T>(Form::transposed, Form::plain, columns, columns, height_of(block), 1, v, n_, v,
                  n_, 0, gram.data(), columns);
    block_reflector<T>(columns, gram.data(), &tau_[block * kBlock], t_of(block));
  }

  void apply(std::size_t block, std::size_t rows, T* x, T* scratch) {
    const std::size_t columns = columns_of(block);
    const std::size_t height = height_of(block);
    T* const from = x + (n_ - height);
    T* const product = scratch;
    T* const factor = scratch + rows * columns;
    blas::gemm<T>(Form::plain, Form::plain, rows, columns, height, 1, from, n_, v_of(block), n_, 0,
                  product, columns);
    blas::gemm<T>(Form::plain, Form::transposed, rows, columns, columns, 1, product, columns,
                  t_of(block), columns, 0, factor, columns);
    blas::gemm<T>(Form::plain, Form::transposed, rows, height, columns, -1, factor, columns,
                  v_of(block), n_, 1, from, n_);
  }

  std::size_t n_;
  std::size_t b_;
  T* a_;
  std::span<const T> tau_;
  const Control& control_;
  AlignedBuffer<T> t_;  // [blocks][columns, columns]
};

}  // namespace

template <typename T>
void apply_band_reflectors(std::size_t n, std::size_t width, std::span<T> a, std::span<const T> tau,
                           std::span<T> vectors, const Control& control) {
  Transformation<T>(n, width, a, tau, control).run(vectors);
}

std::size_t band_transformation_workspace(std::size_t n, std::size_t count,
                                          std::size_t entry_bytes) {
  const std::size_t rows = slab_rows(count);
  const std::size_t slabs = std::min(kMaximumThreads, (count + rows - 1) / rows);
  return (n + kBlock + slabs * 2 * rows + kMaximumThreads * kBlock) * kBlock * entry_bytes;
}

template void apply_band_reflectors<double>(std::size_t, std::size_t, std::span<double>,
                                            std::span<const double>, std::span<double>,
                                            const Control&);
template void apply_band_reflectors<float>(std::size_t, std::size_t, std::span<float>,
                                           std::span<const float>, std::span<float>,
                                           const Control&);

}  // namespace eigenscape
