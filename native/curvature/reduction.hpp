// Exact zeros of curvature matrices, taken out by an orthogonal change of basis before anything is
// assembled (DESIGN: exact zeros). With orthonormal columns in B, A = B A' Bᵀ: the eigenvalues of A
// are those of A' = Bᵀ A B, and zeros. B has a block U ⊗ Q for each dense layer and each group of a
// convolution, for H, G, R, Fisher and covariance alike:
//
//   Q, inputs   Inputs that no chosen parameter changes on any sample, the 1 of the bias among
//               them, span so many dimensions over all samples and places; weights outside change
//               nothing. Q is a basis of that span, and 1 on the other inputs.
//   U, units    A unit or filter is dead where no change of it reaches an output on any sample: its
//               rows vanish. (σ(z) is then an input of the next layer that nothing changes.)
//   U, outputs  Under softmax, ∇²ℓ 1 = 0 and 1ᵀ∇ℓ = 0: adding one vector to every row of the last
//               layer changes no loss. With P = I − 2 v vᵀ the reflection that takes 1/√C to −e_C,
//               U is P without its last column: C − 1 units in place of C.
#pragma once

#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "core/control.hpp"
#include "curvature/layer_samples.hpp"
#include "linalg/row_space.hpp"

namespace eigenscape {

/// x ← P x for C entries `stride` apart, with v = (1/√C + e_C) / ‖·‖.
template <typename T>
void reflect(std::size_t count, std::size_t stride, T* x) {
  const double root = 1 / std::sqrt(static_cast<double>(count));
  double product = static_cast<double>(x[(count - 1) * stride]);
  for (std::size_t c = 0; c < count; ++c) product += root * static_cast<double>(x[c * stride]);
  const double factor = product / (1 + root);  // 2 (vᵀx) / ‖1/√C + e_C‖
  for (std::size_t c = 0; c < count; ++c) {
    const double direction = c + 1 == count ? root + 1 : root;
    x[c * stride] = static_cast<T>(static_cast<double>(x[c * stride]) - factor * direction);
  }
}

/// One block U ⊗ Q of B. Of A', row (u, k) is row + u · inputs() + k; inputs are the moving ones,
/// then the basis.
struct ReducedMap {
  AffineMap map;
  std::vector<std::size_t> units;   // of the outputs, those that are kept, ascending
  bool contracted = false;          // all of them, reflected, without the last
  std::vector<std::size_t> moving;  // of the chosen inputs, those kept as they are
  std::vector<std::size_t> fixed;   // those that `basis` stands for
  std::optional<RowBasis> basis;    // none where nothing is left out: then `fixed` is empty
  double distance = 0;  // max over samples of ‖a − Q a'‖ / ‖a‖, a' rounded as it is used
  double defect = 0;    // ‖QᵀQ − I‖_F
  std::size_t row = 0;

  [[nodiscard]] std::size_t outputs() const { return units.size() - (contracted ? 1 : 0); }
  [[nodiscard]] std::size_t inputs() const { return moving.size() + (basis ? basis->rank : 0); }
  [[nodiscard]] std::size_t size() const { return outputs() * inputs(); }
};

class Reduction {
 public:
  /// `maps` without their rows, which follow one another; then the rows of A that are kept as they
  /// are; `full_size` is the order of A.
  Reduction(std::size_t full_size, std::vector<ReducedMap> maps, std::vector<std::size_t> kept);

  /// Order of A'.
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Order of A.
  [[nodiscard]] std::size_t full_size() const { return full_size_; }
  [[nodiscard]] const std::vector<ReducedMap>& maps() const { return maps_; }
  /// Largest over the maps.
  [[nodiscard]] double distance() const;
  [[nodiscard]] double defect() const;
  /// Whether B holds other entries than 0 and 1.
  [[nodiscard]] bool rounds() const;

  /// Bᵀ v for v [count, full_size].
  template <typename T>
  void restrict_vectors(std::size_t count, std::span<const T> full, std::span<T> reduced,
                        const Control& control) const;
  /// B v for v [count, size].
  template <typename T>
  void extend_vectors(std::size_t count, std::span<const T> reduced, std::span<T> full,
                      const Control& control) const;
  /// The first `count` rows of an orthonormal basis [full_size − size, full_size] of the directions
  /// that B leaves out.
  template <typename T>
  void null_vectors(std::size_t count, std::span<T> full, const Control& control) const;

 private:
  std::size_t full_size_;
  std::size_t size_ = 0;
  std::vector<ReducedMap> maps_;
  std::vector<std::size_t> kept_;     // rows of A
  std::vector<std::size_t> dropped_;  // rows of A in no map that are not kept
};

}  // namespace eigenscape
