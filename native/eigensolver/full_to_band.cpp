#include "eigensolver/full_to_band.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/chunked_sum.hpp"
#include "core/thread_pool.hpp"
#include "eigensolver/panel_qr.hpp"
#include "eigensolver/thin_product.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

using blas::Form;

/// Edge of the tiles that the update is cut into, a multiple of the product's.
constexpr std::size_t kTile = kReductionTile;
static_assert(kTile % kThinTile == 0);

constexpr std::size_t kScratch = kThinTile * (kThinTile + 8);

std::size_t tiles_of(std::size_t n) { return (n + kTile - 1) / kTile; }

template <typename T>
class Reduction {
 public:
  Reduction(std::size_t n, std::size_t width, std::span<T> a, std::span<T> kept_tau,
            const Control& control)
      : n_(n),
        b_(width),
        a_(a.data()),
        kept_tau_(kept_tau),
        control_(control),
        vw_(n * 2 * width),
        wv_(n * 2 * width),
        v_next_(n * width),
        packed_(n * width),
        right_((n + kThinGroup<T>)*2 * width),
        r_(width * width),
        tau_(width),
        t_(width * width),
        gram_(tiles_of(n) * width * width),
        stack_(2 * width * width),
        turn_((n + kThinTile - 1) / kThinTile) {
    // Made here: no task may fail while others wait for it.
    for (std::size_t t = 0; t < std::max<std::size_t>(control.threads(), 1); ++t) {
      scratch_.give_back(std::make_unique<AlignedBuffer<T>>(kScratch));
    }
  }

  void run() {
    factor_next(0);
    for (std::size_t j = 0; below(j) > 1; j += b_) {
      const double left = static_cast<double>(n_ - j) / static_cast<double>(n_);
      control_.report("full to band", 1 - left * left * left, 1);
      reduce(j);
    }
    control_.report("full to band", 1, 1);
  }

 private:
  /// Rows below the diagonal block of the panel that starts at column j.
  [[nodiscard]] std::size_t below(std::size_t j) const { return n_ > j + b_ ? n_ - j - b_ : 0; }

  /// QR of the panel at column j: V into v_next_, R into the matrix, T into t_.
  void factor_next(std::size_t j) {
    const std::size_t rows = below(j);
    if (rows <= 1) return;
    T* const panel = a_ + (j + b_) * n_ + j;
    for (std::size_t i = 0; i < rows; ++i) std::copy_n(panel + i * n_, b_, &v_next_[i * b_]);
    factor_panel<T>(rows, b_, v_next_.data(), b_, r_.data(), tau_.data());
    for (std::size_t i = 0; i < std::min(rows, b_); ++i) {
      std::copy_n(&r_[i * b_], b_, panel + i * n_);
    }
    if (!kept_tau_.empty()) keep_reflectors(j, rows);
    blas::gemm<T>(Form::transposed, Form::plain, b_, b_, rows, 1, v_next_.data(), b_,
                  v_next_.data(), b_, 0, stack_.data(), b_);
    block_reflector<T>(b_, stack_.data(), tau_.data(), t_.data());
  }

  /// V below R, where A₂₁ was, and τ.
  void keep_reflectors(std::size_t j, std::size_t rows) {
    std::copy_n(tau_.data(), std::min(b_, n_ - j), &kept_tau_[j]);
    T* const panel = a_ + (j + b_) * n_ + j;
    for (std::size_t i = 1; i < rows; ++i) {
      std::copy_n(&v_next_[i * b_], std::min(i, b_), panel + i * n_);
    }
  }

  /// Z = A₂₂ V. Task i takes the tiles of row i from left to right, each for Z_i and, transposed,
  /// for Z_k: a tile comes from memory once. Z_k gets its shares in the order of their rows.
  void multiply(std::size_t start) {
    const std::size_t stride = 2 * b_;
    const std::size_t first_tile = start / kThinTile;
    const std::size_t tiles = (n_ + kThinTile - 1) / kThinTile - first_tile;
    const auto from = [&](std::size_t t) { return std::max(start, (first_tile + t) * kThinTile); };
    const auto to = [&](std::size_t t) { return std::min(n_, (first_tile + t + 1) * kThinTile); };
    const ThinOperand<T> v{vw_.data(), stride, packed_.data(), n_ - start, b_};
    for (std::size_t t = 0; t < tiles; ++t) turn_[t].store(0, std::memory_order_relaxed);
    parallel_for(control_, tiles, [&](std::size_t i) {
      auto scratch = scratch_.take([] { return std::make_unique<AlignedBuffer<T>>(kScratch); });
      const std::size_t first = from(i) - start;
      const std::size_t rows = to(i) - from(i);
      T* const z = &wv_[first * stride];
      for (std::size_t r = 0; r < rows; ++r) std::fill_n(z + r * stride, b_, T{});
      for (std::size_t k = 0; k < i; ++k) {
        const T* const tile = a_ + from(i) * n_ + from(k);
        thin_product<T>(rows, to(k) - from(k), tile, n_, v, from(k) - start, z, stride);
        while (turn_[k].load(std::memory_order_acquire) != i) std::this_thread::yield();
        thin_product_transposed<T>(rows, to(k) - from(k), tile, n_, v, first,
                                   &wv_[(from(k) - start) * stride], stride, scratch->data());
        turn_[k].store(i + 1, std::memory_order_release);
      }
      // the diagonal tile, both triangles of which are there
      thin_product<T>(rows, rows, a_ + from(i) * n_ + from(i), n_, v, first, z, stride);
      turn_[i].store(i + 1, std::memory_order_release);
      scratch_.give_back(std::move(scratch));
    });
  }

  void reduce(std::size_t j) {
    const std::size_t start = j + b_;
    const std::size_t m = n_ - start;
    const std::size_t stride = 2 * b_;
    const std::size_t square = b_ * b_;
    const std::size_t first_tile = start / kTile;
    const std::size_t tiles = tiles_of(n_) - first_tile;
    const auto tile_first = [&](std::size_t t) {
      return std::max(start, (first_tile + t) * kTile);
    };
    const auto tile_last = [&](std::size_t t) {
      return std::min(n_, (first_tile + t + 1) * kTile);
    };

    // V to both of its places, [V W] and [W V]
    parallel_for(control_, tiles, [&](std::size_t t) {
      for (std::size_t i = tile_first(t) - start; i < tile_last(t) - start; ++i) {
        std::copy_n(&v_next_[i * b_], b_, &vw_[i * stride]);
        std::copy_n(&v_next_[i * b_], b_, &wv_[i * stride + b_]);
      }
      pack_thin<T>(tile_first(t) - start, tile_last(t) - start, m, b_, v_next_.data(), b_,
                   packed_.data());
    });
    multiply(start);
    parallel_for(control_, tiles, [&](std::size_t t) {
      const std::size_t first = tile_first(t) - start;
      blas::gemm<T>(Form::transposed, Form::plain, b_, b_, tile_last(t) - tile_first(t), 1,
                    &vw_[first * stride], stride, &wv_[first * stride], stride, 0,
                    &gram_[t * square], b_);
    });

    // stack = [T; −½ Tᵀ S T], so that W = [Z V]·stack
    for (std::size_t t = 1; t < tiles; ++t) blas::axpy<T>(square, 1, &gram_[t * square], &gram_[0]);
    T* const product = stack_.data();
    T* const lower = stack_.data() + square;
    blas::gemm<T>(Form::plain, Form::plain, b_, b_, b_, 1, gram_.data(), b_, t_.data(), b_, 0,
                  product, b_);
    blas::gemm<T>(Form::transposed, Form::plain, b_, b_, b_, T(-0.5), t_.data(), b_, product, b_, 0,
                  lower, b_);
    std::copy_n(t_.data(), square, stack_.data());
    parallel_for(control_, tiles, [&](std::size_t t) {
      const std::size_t first = tile_first(t) - start;
      const std::size_t rows = tile_last(t) - start - first;
      blas::gemm<T>(Form::plain, Form::plain, rows, b_, b_ * 2, 1, &wv_[first * stride], stride,
                    stack_.data(), b_, 0, &vw_[first * stride + b_], stride);
      for (std::size_t i = first; i < first + rows; ++i) {
        std::copy_n(&vw_[i * stride + b_], b_, &wv_[i * stride]);
      }
      pack_negative_transpose<T>(first, first + rows, stride, wv_.data(), stride, right_.data());
    });

    update(start, m, tile_last, first_tile, tiles);
  }

  /// C ← C − [V W]·[W V]ᵀ on global rows [i, i_end), columns [k, k_end).
  void update_tile(std::size_t start, std::size_t i, std::size_t i_end, std::size_t k,
                   std::size_t k_end) {
    if (i >= i_end || k >= k_end) return;
    const std::size_t stride = 2 * b_;
    const T* const left = &vw_[(i - start) * stride];
    if (has_wide_vectors()) {
      const std::size_t whole = (k_end - k) / kThinGroup<T> * kThinGroup<T>;
      const ThinOperand<T> right{nullptr, 0, &right_[(k - start) * stride], stride, whole};
      thin_product<T>(i_end - i, stride, left, stride, right, 0, a_ + i * n_ + k, n_);
      k += whole;
      if (k == k_end) return;
    }
    blas::gemm<T>(Form::plain, Form::transposed, i_end - i, k_end - k, stride, -1, left, stride,
                  &wv_[(k - start) * stride], stride, 1, a_ + i * n_ + k, n_);
  }

  template <typename Last>
  void update(std::size_t start, std::size_t m, const Last& tile_last, std::size_t first_tile,
              std::size_t tiles) {
    // First the columns of the next panel, which is then factored; then the rest by tiles, the
    // longest columns first.
    const std::size_t strip = std::min(b_, m);
    const std::size_t rest = start + strip;
    const std::size_t count = tiles * (tiles + 1) / 2;
    parallel_for(control_, 1 + count, [&](std::size_t index) {
      if (index == 0) {
        update_tile(start, start, n_, start, rest);
        factor_next(start);
        return;
      }
      std::size_t k = 0;
      std::size_t position = index - 1;
      while (position >= tiles - k) {
        position -= tiles - k;
        ++k;
      }
      const std::size_t i = k + position;
      update_tile(start, std::max(rest, (first_tile + i) * kTile), tile_last(i),
                  std::max(rest, (first_tile + k) * kTile), tile_last(k));
    });
  }

  std::size_t n_;
  std::size_t b_;
  T* a_;
  std::span<T> kept_tau_;
  const Control& control_;
  AlignedBuffer<T> vw_;                         // [m, 2b] V and W
  AlignedBuffer<T> wv_;                         // [m, 2b] W and V; Z before W is there
  AlignedBuffer<T> v_next_;                     // [m, b] V of the panel that comes next
  AlignedBuffer<T> packed_;                     // [m, b] V in groups of columns
  AlignedBuffer<T> right_;                      // [m, 2b] −[W V]ᵀ in groups of columns
  AlignedBuffer<T> r_;                          // [b, b]
  AlignedBuffer<T> tau_;                        // [b]
  AlignedBuffer<T> t_;                          // [b, b] T of the panel that comes next
  AlignedBuffer<T> gram_;                       // [tiles, b, b] shares of Vᵀ Z
  AlignedBuffer<T> stack_;                      // [2b, b] T and −½ Tᵀ S T
  std::vector<std::atomic<std::size_t>> turn_;  // [tiles] whose share Z_k takes next
  Workspaces<AlignedBuffer<T>> scratch_;
};

}  // namespace

template <typename T>
void full_to_band(std::size_t n, std::size_t width, std::span<T> a, const Control& control) {
  Reduction<T>(n, width, a, {}, control).run();
}

template <typename T>
void full_to_band(std::size_t n, std::size_t width, std::span<T> a, std::span<T> tau,
                  const Control& control) {
  std::ranges::fill(tau, T{});
  Reduction<T>(n, width, a, tau, control).run();
}

std::size_t full_to_band_workspace(std::size_t n, std::size_t width, std::size_t entry_bytes) {
  return ((8 * n + (tiles_of(n) + 4) * width + 128) * width + kMaximumThreads * kScratch) *
         entry_bytes;
}

template void full_to_band<double>(std::size_t, std::size_t, std::span<double>, const Control&);
template void full_to_band<float>(std::size_t, std::size_t, std::span<float>, const Control&);
template void full_to_band<double>(std::size_t, std::size_t, std::span<double>, std::span<double>,
                                   const Control&);
template void full_to_band<float>(std::size_t, std::size_t, std::span<float>, std::span<float>,
                                  const Control&);

}  // namespace eigenscape
