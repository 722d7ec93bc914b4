// A block diagonal stand-in for G whose blocks are Kronecker products.
//
//   K-FAC   layer's block = S ⊗ A; (S ⊗ A) vec V = vec(S V A) for V [outputs, inputs], row-major
//           A = Σ_n ω_n Σ_t ã_t ã_tᵀ, ω_n the sample's share of all weight, S = 1/T Σ_n Σ_r Σ_t δ
//           δᵀ (KFC: Grosse and Martens 2016; "expand" of Eschenhagen et al. 2023), or with
//           "reduce" A of the mean of ã over t and S of the sum of δ. With one sample and T = 1 the
//           block is that of G; dense layers are Martens and Grosse (2015).
//   EKFAC   (U_S ⊗ U_A) diag Λ (U_S ⊗ U_A)ᵀ, U the eigenvectors of A and S,
//           Λ_ij = Σ_n Σ_r (u_iᵀ (Σ_t δ_t ã_tᵀ) u_j)²: with exact roots the diagonal of G in that
//           basis, hence never further from G in Frobenius norm (George et al. 2018)
//   γ, β    of normalizations: the block of G itself up to kLargestExactBlock, else its diagonal
#pragma once

#include <span>
#include <vector>

#include "core/control.hpp"
#include "curvature/layer_samples.hpp"

namespace eigenscape {

constexpr std::size_t kLargestExactBlock = 1024;

template <typename T>
struct KroneckerBlock {
  AffineMap map;
  AlignedBuffer<T> a;       // [inputs, inputs]: A, or its eigenvectors as rows
  AlignedBuffer<T> s;       // [outputs, outputs]: S, or its eigenvectors as rows
  AlignedBuffer<T> scales;  // Λ [outputs, inputs]; empty for K-FAC
};

template <typename T>
struct ExactBlock {
  ScaleAndShift layer;
  bool diagonal = false;
  AlignedBuffer<T> entries;  // [size, size], or the diagonal [size]
};

struct KroneckerSpectrum {
  std::vector<double> values;  // ascending
  std::size_t exact_zeros = 0;
  double norm = 0;       // ‖·‖_F
  double magnitude = 0;  // Σ of what entries are sums of, before anything cancels
};

template <typename T>
class KroneckerMatrix {
 public:
  KroneckerMatrix(std::size_t size, std::vector<KroneckerBlock<T>> blocks,
                  std::vector<ExactBlock<T>> exact)
      : size_(size), blocks_(std::move(blocks)), exact_(std::move(exact)) {}

  /// out [k, size] = products with v [k, size].
  void apply(std::size_t k, std::span<const T> v, std::span<T> out, const Control& control) const;
  /// matrix [size, size], symmetric to the bit.
  void assemble(std::span<T> matrix, const Control& control) const;
  /// diagonal [size]
  void diagonal(std::span<double> diagonal) const;
  /// All eigenvalues, from those of the factors: no matrix is formed.
  [[nodiscard]] KroneckerSpectrum spectrum(const Control& control) const;
  /// ‖·‖ of Σ over blocks of tr A · tr S, and so on: see KroneckerSpectrum.
  [[nodiscard]] double magnitude() const;

 private:
  std::size_t size_;
  std::vector<KroneckerBlock<T>> blocks_;
  std::vector<ExactBlock<T>> exact_;
};

/// Eigenvectors as rows in place of the symmetric a [n, n], and eigenvalues. Rows of zeros become
/// unit vectors with eigenvalue 0, exactly.
template <typename T>
void diagonalize(std::size_t n, std::span<T> a, std::span<T> values);

}  // namespace eigenscape
