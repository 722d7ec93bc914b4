// The space that the rows of a tall matrix span, and an orthonormal basis of it, in float64.
//
// Rows come stretch by stretch and are folded into a triangular factor, X = Q R with Q dropped; the
// singular values of R are X's. R, and not the Gram matrix XᵀX: there rounding hides all singular
// values below √ε·σ₁.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace eigenscape {

/// Singular values σ > tolerance are kept, tolerance = max(rows, width)·ε·σ₁.
struct RowBasis {
  std::size_t width = 0;
  std::size_t rank = 0;
  double largest = 0;        // σ₁
  double smallest_kept = 0;  // σ_rank
  double largest_dropped = 0;
  double tolerance = 0;
  /// Columns of X that are not zero throughout, ascending. Where they are independent, they are the
  /// basis, and `vectors` is empty.
  std::vector<std::size_t> columns;
  std::vector<double> vectors;  // else [width, rank], orthonormal columns
};

/// An orthonormal basis, as rows [width − rank, width], of what the basis leaves out.
std::vector<double> complement_of(const RowBasis& basis);

class RowSpace {
 public:
  explicit RowSpace(std::size_t width) : width_(width) {}

  /// Appends rows [count, width].
  void add(std::span<const double> rows);
  /// The basis of all rows so far.
  RowBasis basis();

 private:
  [[nodiscard]] std::size_t held() const { return rows_.size() / width_; }
  void fold();

  std::size_t width_;
  std::size_t count_ = 0;
  std::vector<double> rows_;  // R, then the rows that are not folded in yet
};

}  // namespace eigenscape
