// Σ c_i A_i + c·I for curvature matrices A_i of one size: what add, scale and shift make of them.
//
// Vectors and products may be of another precision than an operator: they are rounded to its on the
// way in, and widened on the way out. Entries are added in float64, term by term in their order, so
// that the bits are those of the operators, and do not depend on threads.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "core/control.hpp"
#include "curvature/operator.hpp"
#include "linalg/row_kernels.hpp"

namespace eigenscape {

class Combination {
 public:
  using Matrix = std::variant<std::shared_ptr<Operator<double>>, std::shared_ptr<Operator<float>>>;
  struct Term {
    double factor;
    Matrix matrix;
  };

  /// At least one term; throws ErrorCode::internal where sizes differ.
  Combination(std::vector<Term> terms, double shift);

  [[nodiscard]] std::size_t size() const { return size_; }

  /// Rows of `out` = the matrix times rows of `v`, each of size() entries; none of `out` is one of
  /// `v`. Throws ErrorCode::numeric when a result is not finite.
  template <typename T>
  void apply(const RowTile<const T>& v, const RowTile<T>& out, const Control& control) const;
  /// Bytes that apply() needs beside v, out and what the operators need; its twin.
  template <typename T>
  [[nodiscard]] std::size_t apply_scratch(const RowTile<const T>& v, const RowTile<T>& out) const;

  /// Overwrites `matrix` [size, size], which is symmetric to the bit; each term goes the way that
  /// costs it less. Throws ErrorCode::numeric when an entry is not finite.
  template <typename T>
  void assemble(std::span<T> matrix, const Control& control) const;
  /// Bytes that assemble() needs beside the matrix, at most; its twin.
  template <typename T>
  [[nodiscard]] std::size_t assemble_workspace(std::size_t threads) const;

 private:
  std::vector<Term> terms_;
  double shift_;
  std::size_t size_;
};

}  // namespace eigenscape
