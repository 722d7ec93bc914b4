// How many eigenvalues of a symmetric tridiagonal matrix T lie below x: the changes of sign in
//
//   p₀ = 1,  p_k = (d_k − x) p_{k−1} − e_{k−1}² p_{k−2}          p_k = det(T_k − x I)
//
// (Givens 1954; Barth, Martin, Wilkinson 1967). In place of quotients of neighbours, for which a
// step waits for a division, the determinants themselves, scaled by powers of two every few steps.
// Each step's roundings are those of relative changes of d_k − x and e² by a few ε, so a count is
// that of a matrix within a few ε·‖T‖ of T. Many x advance side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace eigenscape {

/// Points that one pass over the matrix counts for.
inline constexpr std::size_t kSturmPoints = 32;

struct SturmCounts {
  std::uint64_t below[kSturmPoints];
  /// det(T − x I) = determinant · 2^exponent, determinant ordinary in size.
  double determinant[kSturmPoints];
  std::int64_t exponent[kSturmPoints];
};

/// T about 1 in size: d [n], and before each entry the square of what couples it to the one before,
/// squares [n], the first of them 0 and none of the others below kLeastSquare.
void sturm_counts(std::span<const double> d, std::span<const double> squares, const double* x,
                  SturmCounts& counts);

/// A coupling that changes no eigenvalue by more than 1e-18, and keeps p from vanishing for good.
inline constexpr double kLeastSquare = 0x1p-120;

}  // namespace eigenscape
