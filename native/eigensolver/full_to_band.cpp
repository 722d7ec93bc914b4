#include "eigensolver/full_to_band.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/step_counter.hpp"
#include "core/thread_pool.hpp"
#include "eigensolver/panel_qr.hpp"
#include "eigensolver/reduction_tasks.hpp"
#include "eigensolver/tile_kernels.hpp"
#include "eigensolver/tiled_matrix.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

static_assert(kReductionTile == kTile);

using blas::Form;

template <typename T>
T negligible_column(std::size_t n, double norm) {
  constexpr double kShare = 4 * std::numeric_limits<T>::epsilon();
  return static_cast<T>(kShare * norm / std::sqrt(static_cast<double>(n)));
}

/// −[W V]ᵀ in groups: rows [first, last) of [V W] [*, 2 width] become columns. `first` begins a
/// group; the last group is filled up with zeros.
template <typename T>
void pack_negative(std::size_t first, std::size_t last, std::size_t width, const T* vw, T* groups) {
  constexpr std::size_t kColumns = kGroupColumns<T>;
  for (std::size_t i = first; i < last; i += kColumns) {
    T* const group = groups + i * 2 * width;
    const std::size_t columns = std::min(kColumns, last - i);
    if (columns < kColumns) std::fill_n(group, 2 * width * kColumns, T{});
    for (std::size_t c = 0; c < columns; ++c) {
      const T* const row = vw + (i + c) * 2 * width;
      for (std::size_t k = 0; k < width; ++k) {
        group[k * kColumns + c] = -row[width + k];
        group[(width + k) * kColumns + c] = -row[k];
      }
    }
  }
}

/// One list of tasks, taken in its order: a task waits for what earlier ones make, which have been
/// taken, and no thread ever waits for all others.
template <typename T>
class Reduction {
  using Kind = ReductionTasks::Kind;

 public:
  Reduction(std::size_t n, std::size_t width, std::span<T> a, double norm, std::span<T> kept_tau,
            const Control& control)
      : n_(n),
        b_(width),
        negligible_(negligible_column<T>(n, norm)),
        tasks_(n, width),
        kept_tau_(kept_tau),
        control_(control),
        workspace_((2 * n + kGroupColumns<T>)*2 * width),
        vw_(workspace_.data()),
        right_(workspace_.data() + n * 2 * width),
        v_(n * width),
        groups_(n * width),
        own_(n * width),
        mirrored_(n * width),
        r_(width * width),
        tau_(width),
        t_(width * width),
        gram_(tiles_along(n) * width * width),
        product_(width * width),
        lower_(width * width),
        strip_(2 * width * width),
        turns_(tiles_along(n)),
        a_(n, a, workspace_.span()) {}

  void run(T factor, BandMatrix<T>& band) {
    const bool keeps = !kept_tau_.empty();
    a_.to_tiles(factor, keeps, control_);
    mirrored_.zero();
    parallel_for(control_, tasks_.count(), [&](std::size_t index) { run(tasks_.task(index)); });
    fill(band);
    if (keeps) a_.to_rows(control_);
    control_.report("full to band", 1, 1);
  }

 private:
  void fill(BandMatrix<T>& band) {
    parallel_for(control_, tiles_along(n_), [&](std::size_t tile) {
      for (std::size_t i = tile * kTile; i < tasks_.last_row(tile); ++i) {
        for (std::size_t j = i > b_ ? i - b_ : 0; j <= i; ++j) {
          band.at(i, j) = a_.at(i, j);
          if (i - j < b_) band.at(j, i) = band.at(i, j);
        }
      }
    });
  }

  void run(const ReductionTasks::Task& task) {
    switch (task.kind) {
      case Kind::factor:
        return factor(task.panel);
      case Kind::pass:
        return pass(task.panel, task.tile);
      case Kind::combine:
        return combine(task.panel);
      case Kind::finish:
        return finish(task.panel, task.tile);
      case Kind::last_entry:
        finished_.wait_for(tasks_.rows_before(task.panel));
        return update(task.panel, task.tile, task.tile);
    }
  }

  /// First row of a row of tiles, counted from A₂₂'s.
  [[nodiscard]] std::size_t row_of(std::size_t p, std::size_t tile) const {
    return tasks_.first_row(p, tile) - tasks_.start(p);
  }
  [[nodiscard]] std::size_t rows_of(std::size_t p, std::size_t tile) const {
    return tasks_.last_row(tile) - tasks_.first_row(p, tile);
  }
  /// What belongs to A₂₂ of a tile.
  [[nodiscard]] TilePart<T> part(std::size_t p, std::size_t i, std::size_t k) {
    return {a_.tile(i, k),
            a_.rows(i),
            tasks_.first_row(p, i) - i * kTile,
            tasks_.last_row(i) - i * kTile,
            tasks_.first_row(p, k) - k * kTile,
            tasks_.last_row(k) - k * kTile};
  }

  void factor(std::size_t p) {
    finished_.wait_for(tasks_.rows_before(p));
    const std::size_t rows = n_ - tasks_.start(p);
    const double left = static_cast<double>(rows) / static_cast<double>(n_);
    control_.report("full to band", 1 - left * left * left, 1);
    for_panel(p, [&](std::size_t row, std::size_t column, T* line) {
      std::copy_n(line, kLanes<T>, &v_[row * b_ + column]);
    });
    factor_panel<T>(rows, b_, v_.data(), b_, negligible_, r_.data(), tau_.data());
    for_panel(p, [&](std::size_t row, std::size_t column, T* line) { store(row, column, line); });
    if (!kept_tau_.empty()) std::copy_n(tau_.data(), std::min(b_, rows), &kept_tau_[p * b_]);
    blas::gemm<T>(Form::transposed, Form::plain, b_, b_, rows, 1, v_.data(), b_, v_.data(), b_, 0,
                  product_.data(), b_);
    block_reflector<T>(b_, product_.data(), tau_.data(), t_.data());
    factored_.set(p + 1);
  }

  /// Calls action(row of A₂₁, column of it, their entries) for the lines of panel p's strips.
  template <typename Action>
  void for_panel(std::size_t p, const Action& action) {
    const std::size_t k = p * b_ / kTile;
    for (std::size_t i = tasks_.first_tile(p); i < turns_.size(); ++i) {
      TilePart<T> rows = part(p, i, i);
      rows.tile = a_.tile(i, k);
      for (std::size_t column = 0; column < b_; column += kLanes<T>) {
        T* const strip = rows.strip(p * b_ - k * kTile + column);
        for (std::size_t row = 0; row < rows.rows(); ++row) {
          action(row_of(p, i) + row, column, strip + row * kLanes<T>);
        }
      }
    }
  }

  /// A line of V into its group, and into the matrix R and, if it is to be kept, V.
  void store(std::size_t row, std::size_t column, T* line) {
    const T* const v = &v_[row * b_ + column];
    constexpr std::size_t kColumns = kGroupColumns<T>;
    std::copy_n(v, kLanes<T>,
                &groups_[(column / kColumns * n_ + row) * kColumns + column % kColumns]);
    if (kept_tau_.empty() && row >= b_) return;
    for (std::size_t l = 0; l < kLanes<T>; ++l) {
      line[l] = row <= column + l ? r_[row * b_ + column + l] : v[l];
    }
  }

  /// The update that panel p − 1 left, on one tile.
  void update(std::size_t p, std::size_t i, std::size_t k) {
    // p b_ is where panel p − 1's A₂₂ begins.
    const std::size_t row = tasks_.first_row(p, i) - p * b_;
    const std::size_t column = tasks_.first_row(p, k) - p * b_;
    add_product(part(p, i, k), vw_ + row * 2 * b_, 2 * b_, 2 * b_, right_ + column * 2 * b_);
  }

  /// A row of tiles, each updated and at once multiplied by V, while it is in the cache, for the
  /// row's own share of Z = A₂₂ V and, transposed, for those of its columns. Before V is there the
  /// tiles are only updated. A column gets its shares from the last row of tiles to the first.
  void pass(std::size_t p, std::size_t i) {
    finished_.wait_for(tasks_.rows_before(p));
    std::fill_n(&own_[row_of(p, i) * b_], rows_of(p, i) * b_, T{});
    std::size_t next = tasks_.first_tile(p);
    for (std::size_t k = next; k <= i; ++k) {
      if (p > 0) update(p, i, k);
      if (k == i) factored_.wait_for(p + 1);
      if (factored_.value() <= p) continue;
      for (; next <= k; ++next) multiply_both(p, i, next);
    }
    wait_for_turn(p, i, i);
    add_shares(p, i);
    passed_.add_one();
  }

  void multiply_both(std::size_t p, std::size_t i, std::size_t k) {
    const auto v = [&](std::size_t row) {
      return ThinOperand<T>{&groups_[row * kGroupColumns<T>], n_ * kGroupColumns<T>, b_};
    };
    const TilePart<T> tile = part(p, i, k);
    multiply(tile, v(row_of(p, k)), &own_[row_of(p, i) * b_]);
    if (k == i) return;  // both triangles of a diagonal tile are there
    wait_for_turn(p, i, k);
    multiply_transposed(tile, v(row_of(p, i)), &mirrored_[row_of(p, k) * b_]);
    turns_[k].set(turn(p, i));
  }

  [[nodiscard]] std::size_t turn(std::size_t p, std::size_t i) const {
    return p * (turns_.size() + 1) + turns_.size() - i;
  }
  /// Until the row of tiles below row i has given its share to column k.
  void wait_for_turn(std::size_t p, std::size_t i, std::size_t k) {
    if (i + 1 < turns_.size()) turns_[k].wait_for(turn(p, i + 1));
  }

  /// Z for a row of tiles, and its share of Vᵀ Z.
  void add_shares(std::size_t p, std::size_t i) {
    const std::size_t first = row_of(p, i) * b_;
    const std::size_t count = rows_of(p, i) * b_;
    blas::axpy<T>(count, 1, &mirrored_[first], &own_[first]);
    std::fill_n(&mirrored_[first], count, T{});
    blas::gemm<T>(Form::transposed, Form::plain, b_, b_, rows_of(p, i), 1, &v_[first], b_,
                  &own_[first], b_, 0, &gram_[i * b_ * b_], b_);
  }

  /// −½ Tᵀ S T, and what the columns of the next panel are updated with.
  void combine(std::size_t p) {
    passed_.wait_for(tasks_.rows_before(p + 1));
    const std::size_t square = b_ * b_;
    T* const s = &gram_[tasks_.first_tile(p) * square];
    for (std::size_t i = 1; i < tasks_.tiles(p); ++i) blas::axpy<T>(square, 1, s + i * square, s);
    blas::gemm<T>(Form::plain, Form::plain, b_, b_, b_, 1, s, b_, t_.data(), b_, 0, product_.data(),
                  b_);
    blas::gemm<T>(Form::transposed, Form::plain, b_, b_, b_, T(-0.5), t_.data(), b_,
                  product_.data(), b_, 0, lower_.data(), b_);
    const std::size_t rows = std::min(b_, n_ - tasks_.start(p));
    make_vw(0, rows);
    pack_negative<T>(0, rows, b_, vw_, strip_.data());
    combined_.set(p + 1);
  }

  /// [V W], W = Z T − ½ V (Tᵀ S T), for rows [first, first + rows) of A₂₂.
  void make_vw(std::size_t first, std::size_t rows) {
    T* const vw = vw_ + first * 2 * b_;
    const T* const v = &v_[first * b_];
    blas::gemm<T>(Form::plain, Form::plain, rows, b_, b_, 1, &own_[first * b_], b_, t_.data(), b_,
                  0, vw + b_, 2 * b_);
    blas::gemm<T>(Form::plain, Form::plain, rows, b_, b_, 1, v, b_, lower_.data(), b_, 1, vw + b_,
                  2 * b_);
    for (std::size_t r = 0; r < rows; ++r) std::copy_n(v + r * b_, b_, vw + r * 2 * b_);
  }

  void finish(std::size_t p, std::size_t i) {
    combined_.wait_for(p + 1);
    const std::size_t first = row_of(p, i);
    const std::size_t rows = rows_of(p, i);
    make_vw(first, rows);
    pack_negative<T>(first, first + rows, b_, vw_, right_);
    TilePart<T> columns = part(p, i, tasks_.first_tile(p));
    columns.last_column = std::min(columns.first_column + b_, columns.last_column);
    add_product(columns, vw_ + first * 2 * b_, 2 * b_, 2 * b_, strip_.data());
    finished_.add_one();
  }

  std::size_t n_;
  std::size_t b_;
  T negligible_;
  ReductionTasks tasks_;
  std::span<T> kept_tau_;
  const Control& control_;
  AlignedBuffer<T> workspace_;  // room for vw_ and right_
  T* vw_;                       // [m, 2b] V and W
  T* right_;                    // [m, 2b] −[W V]ᵀ in groups of columns
  AlignedBuffer<T> v_;          // [m, b]
  AlignedBuffer<T> groups_;     // [m, b] V in groups of columns
  AlignedBuffer<T> own_;        // [m, b] shares of Z from a row's own tiles; then Z
  AlignedBuffer<T> mirrored_;   // [m, b] shares of Z from the tiles below
  AlignedBuffer<T> r_;          // [b, b]
  AlignedBuffer<T> tau_;        // [b]
  AlignedBuffer<T> t_;          // [b, b]
  AlignedBuffer<T> gram_;       // [tiles, b, b] shares of S = Vᵀ Z
  AlignedBuffer<T> product_;    // [b, b] Vᵀ V; then S T
  AlignedBuffer<T> lower_;      // [b, b] −½ Tᵀ S T
  AlignedBuffer<T> strip_;      // [b, 2b] right_ of the first b rows
  // How far the tasks are: panels, or rows of tiles over all panels.
  StepCounter factored_;
  StepCounter passed_;
  StepCounter combined_;
  StepCounter finished_;
  std::vector<StepCounter> turns_;  // [tiles] whose share a column of tiles got last
  TiledMatrix<T> a_;
};

}  // namespace

template <typename T>
void full_to_band(std::span<T> a, T factor, double norm, BandMatrix<T>& band,
                  const Control& control) {
  Reduction<T>(band.order(), band.width(), a, norm, {}, control).run(factor, band);
}

template <typename T>
void full_to_band(std::span<T> a, double norm, BandMatrix<T>& band, std::span<T> tau,
                  const Control& control) {
  std::ranges::fill(tau, T{});
  Reduction<T>(band.order(), band.width(), a, norm, tau, control).run(1, band);
}

std::size_t full_to_band_workspace(std::size_t n, std::size_t width, std::size_t entry_bytes) {
  const std::size_t panels = (8 * n + 128) * width;
  const std::size_t squares = (tiles_along(n) + 8) * width * width;
  return (panels + squares + kTile * kTile) * entry_bytes;
}

template void full_to_band<double>(std::span<double>, double, double, BandMatrix<double>&,
                                   const Control&);
template void full_to_band<float>(std::span<float>, float, double, BandMatrix<float>&,
                                  const Control&);
template void full_to_band<double>(std::span<double>, double, BandMatrix<double>&,
                                   std::span<double>, const Control&);
template void full_to_band<float>(std::span<float>, double, BandMatrix<float>&, std::span<float>,
                                  const Control&);

}  // namespace eigenscape
