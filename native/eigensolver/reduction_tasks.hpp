// The order of the tasks that the reduction to a band consists of, and the rows that each is about.
//
// Panel p is the columns [p b, (p + 1) b); what it leaves of the matrix, A₂₂, begins at row
// start(p) = (p + 1) b. Its tasks, in this order:
//
//   factor    QR of the panel
//   pass      one for each row of tiles of A₂₂, from the last to the first: the update that panel
//             p − 1 left, and the shares of A₂₂ V
//   combine   what is made of the sums
//   finish    one for each row of tiles: W, and the update of the next panel's columns
//
// and after the last panel the update of the one entry that is in no panel, if there is one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "eigensolver/tile_kernels.hpp"

namespace eigenscape {

inline std::size_t tiles_along(std::size_t n) { return (n + kTile - 1) / kTile; }

class ReductionTasks {
 public:
  enum class Kind { factor, pass, combine, finish, last_entry };
  struct Task {
    Kind kind;
    std::size_t panel;
    std::size_t tile;  // row of tiles, counted from the matrix's first
  };

  ReductionTasks(std::size_t n, std::size_t width)
      : n_(n), b_(width), tiles_(tiles_along(n)), panels_(n > width + 1 ? (n - 2) / width : 0) {
    for (std::size_t p = 0; p <= panels_; ++p) {
      rows_before_.push_back(p == 0 ? 0 : rows_before_.back() + tiles(p - 1));
      first_tasks_.push_back(2 * p + 2 * rows_before_.back());
    }
  }

  [[nodiscard]] std::size_t panels() const { return panels_; }
  [[nodiscard]] std::size_t count() const {
    return first_tasks_.back() + (panels_ > 0 && start(panels_) < n_ ? 1 : 0);
  }
  [[nodiscard]] Task task(std::size_t index) const {
    const auto after = std::upper_bound(first_tasks_.begin(), first_tasks_.end(), index);
    const auto p = static_cast<std::size_t>(after - first_tasks_.begin()) - 1;
    if (p == panels_) return {Kind::last_entry, p, tiles_ - 1};
    const std::size_t place = index - first_tasks_[p];
    if (place == 0) return {Kind::factor, p, 0};
    if (place <= tiles(p)) return {Kind::pass, p, tiles_ - place};
    if (place == tiles(p) + 1) return {Kind::combine, p, 0};
    return {Kind::finish, p, first_tile(p) + place - tiles(p) - 2};
  }

  [[nodiscard]] std::size_t start(std::size_t p) const { return (p + 1) * b_; }
  /// The row of tiles that A₂₂ begins in.
  [[nodiscard]] std::size_t first_tile(std::size_t p) const { return start(p) / kTile; }
  /// Rows of tiles of A₂₂.
  [[nodiscard]] std::size_t tiles(std::size_t p) const { return tiles_ - first_tile(p); }
  /// Those of all panels before p.
  [[nodiscard]] std::size_t rows_before(std::size_t p) const { return rows_before_[p]; }

  /// Rows [first_row, last_row) of A₂₂ are in a row of tiles.
  [[nodiscard]] std::size_t first_row(std::size_t p, std::size_t tile) const {
    return std::max(start(p), tile * kTile);
  }
  [[nodiscard]] std::size_t last_row(std::size_t tile) const {
    return std::min(n_, (tile + 1) * kTile);
  }

 private:
  std::size_t n_;
  std::size_t b_;
  std::size_t tiles_;
  std::size_t panels_;
  std::vector<std::size_t> rows_before_;
  std::vector<std::size_t> first_tasks_;
};

}  // namespace eigenscape
