#include "linalg/row_space.hpp"

#include <algorithm>
#include <limits>

#include "linalg/blas.hpp"
#include "linalg/lapack.hpp"

namespace eigenscape {
namespace {

/// Rows that are folded in at once, beside R: as many as R has, so that half of the work is theirs.
constexpr std::size_t kFewestRows = 256;

/// The listed columns of x [rows, width].
std::vector<double> pick(std::size_t rows, std::size_t width, const std::vector<double>& x,
                         const std::vector<std::size_t>& columns) {
  std::vector<double> out;
  out.reserve(rows * columns.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (const std::size_t j : columns) out.push_back(x[i * width + j]);
  }
  return out;
}

}  // namespace

void RowSpace::add(std::span<const double> rows) {
  rows_.insert(rows_.end(), rows.begin(), rows.end());
  count_ += rows.size() / width_;
  if (held() > width_ + std::max(width_, kFewestRows)) fold();
}

void RowSpace::fold() {
  if (held() <= width_) return;
  lapack::triangular_factor(held(), width_, rows_);
  rows_.resize(width_ * width_);
}

RowBasis RowSpace::basis() {
  fold();
  const std::size_t rows = held();
  RowBasis basis;
  basis.width = width_;
  for (std::size_t j = 0; j < width_; ++j) {
    for (std::size_t i = 0; i < rows; ++i) {
      if (rows_[i * width_ + j] == 0) continue;
      basis.columns.push_back(j);
      break;
    }
  }
  const std::size_t used = basis.columns.size();
  if (used == 0) return basis;
  std::vector<double> sigma(std::min(rows, used));
  lapack::singular_values(rows, used, pick(rows, width_, rows_, basis.columns), sigma, {});
  basis.largest = sigma[0];
  basis.tolerance = static_cast<double>(std::max(count_, width_)) *
                    std::numeric_limits<double>::epsilon() * sigma[0];
  while (basis.rank < sigma.size() && sigma[basis.rank] > basis.tolerance) ++basis.rank;
  basis.smallest_kept = sigma[basis.rank - 1];
  if (basis.rank < sigma.size()) basis.largest_dropped = sigma[basis.rank];
  if (basis.rank == used) return basis;

  std::vector<double> right(sigma.size() * used);  // rows
  lapack::singular_values(rows, used, pick(rows, width_, rows_, basis.columns), sigma, right);
  basis.vectors.assign(width_ * basis.rank, 0.0);
  for (std::size_t k = 0; k < basis.rank; ++k) {
    for (std::size_t j = 0; j < used; ++j) {
      basis.vectors[basis.columns[j] * basis.rank + k] = right[k * used + j];
    }
  }
  return basis;
}

std::vector<double> complement_of(const RowBasis& basis) {
  const std::size_t width = basis.width;
  const std::size_t left = width - basis.rank;
  std::vector<double> rows(left * width, 0.0);
  if (basis.vectors.empty()) {
    std::size_t row = 0;
    for (std::size_t j = 0; j < width; ++j) {
      if (!std::ranges::binary_search(basis.columns, j)) rows[row++ * width + j] = 1;
    }
    return rows;
  }
  // I − QQᵀ has the eigenvalue 1 there, and 0 elsewhere.
  std::vector<double> projector(width * width, 0.0);
  for (std::size_t j = 0; j < width; ++j) projector[j * width + j] = 1;
  blas::gemm<double>(blas::Form::plain, blas::Form::transposed, width, width, basis.rank, -1,
                     basis.vectors.data(), basis.rank, basis.vectors.data(), basis.rank, 1,
                     projector.data(), width);
  std::vector<double> values(width);
  lapack::eigenpairs<double>(width, projector, values);
  std::copy(projector.begin() + static_cast<std::ptrdiff_t>(basis.rank * width), projector.end(),
            rows.begin());
  return rows;
}

}  // namespace eigenscape
