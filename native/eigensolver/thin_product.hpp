// Products of a tile A [rows, columns] of a large matrix with a thin V [*, width], the two that a
// symmetric product needs: Z += A·V and Z += Aᵀ·V. BLAS packs A for every one of them, which costs
// as much as the product when V is thin; here A is read where it is, once, and packed for the
// transposed product while it still is in the cache.
//
// V comes packed: [width / (2 lanes)] groups of [height, 2 lanes], so that a group's rows are
// consecutive. A micro-tile of Z, 8 rows by 2 vectors, stays in registers (AVX-512); on other
// processors BLAS does it.
#pragma once

#include <cstddef>

namespace eigenscape {

inline constexpr std::size_t kThinTile = 128;  // rows and columns of A, at most

/// Whether this processor has the 512-bit vectors that the micro-tiles are made for.
bool has_wide_vectors();

/// V [height, width], rows `stride` apart, into groups. [height · width] entries.
template <typename T>
void pack_thin(std::size_t first, std::size_t last, std::size_t height, std::size_t width,
               const T* v, std::size_t stride, T* packed);

/// Columns of a group.
template <typename T>
inline constexpr std::size_t kThinGroup = 2 * 64 / sizeof(T);

/// −Bᵀ in groups, for C − A·Bᵀ: rows [first, last) of B [*, inner] become columns. `first` is a
/// multiple of a group; the last group is filled up with zeros.
template <typename T>
void pack_negative_transpose(std::size_t first, std::size_t last, std::size_t inner, const T* b,
                             std::size_t stride, T* packed);

template <typename T>
struct ThinOperand {
  const T* rows;  // V [height, width], rows `stride` apart
  std::size_t stride;
  const T* packed;  // the same in groups
  std::size_t height;
  std::size_t width;
};

/// Z [rows, width] += A [rows, columns] · V[v_first …]; rows of A `a_stride` apart, of Z
/// `z_stride`.
template <typename T>
void thin_product(std::size_t rows, std::size_t columns, const T* a, std::size_t a_stride,
                  const ThinOperand<T>& v, std::size_t v_first, T* z, std::size_t z_stride);

/// Z [columns, width] += Aᵀ · V[v_first …]; scratch [kThinTile · (kThinTile + 8)].
template <typename T>
void thin_product_transposed(std::size_t rows, std::size_t columns, const T* a,
                             std::size_t a_stride, const ThinOperand<T>& v, std::size_t v_first,
                             T* z, std::size_t z_stride, T* scratch);

}  // namespace eigenscape
