#include "eigensolver/thin_product.hpp"

#include <algorithm>

#include "core/vector.hpp"
#include "linalg/blas.hpp"

namespace eigenscape {
namespace {

constexpr std::size_t kRows = 8;     // of a micro-tile
constexpr std::size_t kVectors = 2;  // of its rows

template <typename T>
constexpr std::size_t kGroup = kVectors* kLanes<T>;

#if defined(__x86_64__) && defined(__GNUC__)

/// Z [micro_rows, 2 vectors] += Σ_k A[r, k]·V[k, :], A[r, k] at a[r·row_step + k·inner_step]
template <std::size_t micro_rows, typename T>
[[gnu::always_inline]] inline void micro_tile(std::size_t inner, const T* a, std::size_t row_step,
                                              std::size_t inner_step, const T* v, T* z,
                                              std::size_t z_stride) {
  // Summed up apart and added at the end: one rounding of the size of Z, not one for each k.
  Vector<T> sum[micro_rows][kVectors] = {};
  for (std::size_t k = 0; k < inner; ++k, a += inner_step, v += kGroup<T>) {
    for (std::size_t r = 0; r < micro_rows; ++r) {
      for (std::size_t q = 0; q < kVectors; ++q) {
        sum[r][q] += a[r * row_step] * vector_at<T>(v + q * kLanes<T>);
      }
    }
  }
  for (std::size_t r = 0; r < micro_rows; ++r) {
    for (std::size_t q = 0; q < kVectors; ++q) {
      vector_at<T>(z + r * z_stride + q * kLanes<T>) += sum[r][q];
    }
  }
}

/// Z [rows, width] += A·V over `inner` steps; strips of eight rows of A are `strip_step` apart.
template <typename T>
[[gnu::always_inline]] inline void strips(std::size_t rows, std::size_t inner, const T* a,
                                          std::size_t strip_step, std::size_t row_step,
                                          std::size_t inner_step, const ThinOperand<T>& v,
                                          std::size_t v_first, T* z, std::size_t z_stride) {
  for (std::size_t group = 0; group < v.width / kGroup<T>; ++group) {
    const T* const packed = v.packed + (group * v.height + v_first) * kGroup<T>;
    T* const to = z + group * kGroup<T>;
    std::size_t r = 0;
    for (; r + kRows <= rows; r += kRows) {
      // The next micro-tile of Z: it may be far away in memory.
      for (std::size_t i = 0; i < kRows; ++i) {
        __builtin_prefetch(to + (r + kRows + i) * z_stride, 1);
        __builtin_prefetch(to + (r + kRows + i) * z_stride + kLanes<T>, 1);
      }
      micro_tile<kRows>(inner, a + r / kRows * strip_step, row_step, inner_step, packed,
                        to + r * z_stride, z_stride);
    }
    for (; r < rows; ++r) {
      micro_tile<1>(inner, a + r / kRows * strip_step + r % kRows * row_step, row_step, inner_step,
                    packed, to + r * z_stride, z_stride);
    }
  }
}

[[gnu::target("arch=x86-64-v4")]] void strips_wide(std::size_t rows, std::size_t inner,
                                                   const double* a, std::size_t strip_step,
                                                   std::size_t row_step, std::size_t inner_step,
                                                   const ThinOperand<double>& v,
                                                   std::size_t v_first, double* z,
                                                   std::size_t z_stride) {
  strips(rows, inner, a, strip_step, row_step, inner_step, v, v_first, z, z_stride);
}

[[gnu::target("arch=x86-64-v4")]] void strips_wide(std::size_t rows, std::size_t inner,
                                                   const float* a, std::size_t strip_step,
                                                   std::size_t row_step, std::size_t inner_step,
                                                   const ThinOperand<float>& v, std::size_t v_first,
                                                   float* z, std::size_t z_stride) {
  strips(rows, inner, a, strip_step, row_step, inner_step, v, v_first, z, z_stride);
}

#else

template <typename... Anything>
void strips_wide(Anything...) {}

#endif

}  // namespace

bool has_wide_vectors() {
#if defined(__x86_64__) && defined(__GNUC__)
  static const bool has =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512bw") != 0;
  return has;
#else
  return false;
#endif
}

template <typename T>
void pack_thin(std::size_t first, std::size_t last, std::size_t height, std::size_t width,
               const T* v, std::size_t stride, T* packed) {
  for (std::size_t group = 0; group < width / kGroup<T>; ++group) {
    for (std::size_t i = first; i < last; ++i) {
      std::copy_n(v + i * stride + group * kGroup<T>, kGroup<T>,
                  packed + (group * height + i) * kGroup<T>);
    }
  }
}

template <typename T>
void pack_negative_transpose(std::size_t first, std::size_t last, std::size_t inner, const T* b,
                             std::size_t stride, T* packed) {
  for (std::size_t i = first; i < last; i += kGroup<T>) {
    T* const to = packed + i * inner;
    const std::size_t columns = std::min(kGroup<T>, last - i);
    if (columns < kGroup<T>) std::fill_n(to, inner * kGroup<T>, T{});
    for (std::size_t k = 0; k < inner; ++k) {
      for (std::size_t c = 0; c < columns; ++c) to[k * kGroup<T> + c] = -b[(i + c) * stride + k];
    }
  }
}

template <typename T>
void thin_product(std::size_t rows, std::size_t columns, const T* a, std::size_t a_stride,
                  const ThinOperand<T>& v, std::size_t v_first, T* z, std::size_t z_stride) {
  if (has_wide_vectors()) {
    strips_wide(rows, columns, a, kRows * a_stride, a_stride, 1, v, v_first, z, z_stride);
    return;
  }
  blas::gemm<T>(blas::Form::plain, blas::Form::plain, rows, v.width, columns, 1, a, a_stride,
                v.rows + v_first * v.stride, v.stride, 1, z, z_stride);
}

template <typename T>
void thin_product_transposed(std::size_t rows, std::size_t columns, const T* a,
                             std::size_t a_stride, const ThinOperand<T>& v, std::size_t v_first,
                             T* z, std::size_t z_stride, T* scratch) {
  if (!has_wide_vectors()) {
    blas::gemm<T>(blas::Form::transposed, blas::Form::plain, columns, v.width, rows, 1, a, a_stride,
                  v.rows + v_first * v.stride, v.stride, 1, z, z_stride);
    return;
  }
  // Strips of eight columns, [strips][rows, 8]; eight entries more between strips, so that they do
  // not all fall into one set of the cache.
  const std::size_t strip_step = kRows * rows + kRows;
  for (std::size_t k = 0; k < rows; ++k) {
    const T* const row = a + k * a_stride;
    T* const to = scratch + k * kRows;
    std::size_t r = 0;
    for (; r + kRows <= columns; r += kRows) {
      std::copy_n(row + r, kRows, to + r / kRows * strip_step);
    }
    std::copy_n(row + r, columns - r, to + r / kRows * strip_step);
  }
  strips_wide(columns, rows, scratch, strip_step, 1, kRows, v, v_first, z, z_stride);
}

template void pack_thin<double>(std::size_t, std::size_t, std::size_t, std::size_t, const double*,
                                std::size_t, double*);
template void pack_thin<float>(std::size_t, std::size_t, std::size_t, std::size_t, const float*,
                               std::size_t, float*);
template void pack_negative_transpose<double>(std::size_t, std::size_t, std::size_t, const double*,
                                              std::size_t, double*);
template void pack_negative_transpose<float>(std::size_t, std::size_t, std::size_t, const float*,
                                             std::size_t, float*);
template void thin_product<double>(std::size_t, std::size_t, const double*, std::size_t,
                                   const ThinOperand<double>&, std::size_t, double*, std::size_t);
template void thin_product<float>(std::size_t, std::size_t, const float*, std::size_t,
                                  const ThinOperand<float>&, std::size_t, float*, std::size_t);
template void thin_product_transposed<double>(std::size_t, std::size_t, const double*, std::size_t,
                                              const ThinOperand<double>&, std::size_t, double*,
                                              std::size_t, double*);
template void thin_product_transposed<float>(std::size_t, std::size_t, const float*, std::size_t,
                                             const ThinOperand<float>&, std::size_t, float*,
                                             std::size_t, float*);

}  // namespace eigenscape
