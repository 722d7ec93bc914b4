// Orthonormal rows that grow by blocks: the memory of Lanczos iterations.
//
// V [rows, n] is cut into tiles of columns whose borders depend on n alone: inner products are
// chunked sums over tiles, updates go tile by tile, so that the bits do not depend on threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/control.hpp"
#include "linalg/row_kernels.hpp"

namespace eigenscape {

enum class RandomEntries { normal, rademacher };

template <typename T>
class KrylovBasis {
 public:
  /// Room for `capacity` rows of n entries.
  KrylovBasis(std::size_t n, std::size_t capacity);

  [[nodiscard]] std::size_t size() const { return n_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  T* row(std::size_t i) { return v_.data() + i * n_; }
  [[nodiscard]] const T* row(std::size_t i) const { return v_.data() + i * n_; }

  /// Fills rows [first, first + count) with random numbers: functions of seed, row and column.
  void randomize(std::size_t first, std::size_t count, std::uint64_t seed, RandomEntries entries,
                 const Control& control);

  /// Makes the rows W = [first, first + count) orthonormal, and orthogonal to rows [base, first):
  ///   W = C·V,  C [count, first − base + count] lower trapezoidal
  /// by two passes of block Gram-Schmidt, against the last `near` rows, then against all, and
  /// Cholesky's factor of the block; where cancellation asks for it, with more passes, and row by
  /// row. A row of which less than `least` remains is
  /// replaced by a random one, its diagonal entry of C being 0; rows for which the space has no
  /// room are left zero.
  std::vector<double> orthonormalize(std::size_t base, std::size_t first, std::size_t count,
                                     std::size_t near, double least, std::uint64_t seed,
                                     const Control& control);

  /// Rows [0, to) become S [to, from] · rows [0, from); rows [from, from + moved) follow them.
  void rotate(std::size_t from, std::size_t to, std::span<const double> s, std::size_t moved,
              const Control& control);

  /// ‖w_i − θ_i v_i‖ for rows v of the basis from 0 on and w from `first` on; w becomes that
  /// difference.
  std::vector<double> residuals(std::size_t first, std::span<const double> theta,
                                const Control& control);

  /// Products [count, others] of rows [first, first + count) with rows [base, base + others).
  std::vector<double> products(std::size_t first, std::size_t count, std::size_t base,
                               std::size_t others, const Control& control) const;

 private:
  struct Rows {
    std::size_t first;
    std::size_t count;
  };
  struct Projection {
    std::vector<double> c;      // W = C·V + what is left [w, v]
    std::vector<double> gram;   // of what is left [w, w]
    std::vector<double> lost;   // squares that the last pass took from each row
    std::vector<double> whole;  // squares that all took
  };
  struct BlockFactor {
    std::vector<double> l;  // [w, w], the W that was = L·W
    bool done;              // W is orthonormal
  };

  RowTile<T> tile(Rows rows, std::size_t start);
  RowTile<const T> tile(Rows rows, std::size_t start) const;
  template <typename Change>
  std::vector<double> sweep(Rows w, Rows v, const Control& control, const Change& change) const;
  Projection project(Rows v, Rows w, std::size_t near, const Control& control);
  BlockFactor orthonormalize_block(Rows w, const Projection& projection,
                                   std::span<const double> least, const Control& control);
  std::vector<double> orthonormalize_rows(Rows v, Rows w, std::span<const double> least,
                                          std::uint64_t seed, const Control& control);
  template <typename Body>
  void each_tile(const Control& control, const Body& body) const;
  void subtract(std::size_t base, std::size_t others, std::size_t first, std::size_t count,
                std::span<const double> c, const Control& control);
  double orthogonalize_row(std::size_t base, std::size_t row, std::span<double> c,
                           const Control& control);
  double norm(std::size_t row, const Control& control) const;
  void scale(std::size_t row, double factor, const Control& control);

  std::size_t n_;
  std::size_t capacity_;
  AlignedBuffer<T> v_;
};

/// Bytes of a basis.
constexpr std::size_t krylov_basis_bytes(std::size_t n, std::size_t capacity,
                                         std::size_t entry_bytes) {
  return n * capacity * entry_bytes;
}

}  // namespace eigenscape
