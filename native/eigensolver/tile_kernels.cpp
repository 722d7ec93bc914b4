#include "eigensolver/tile_kernels.hpp"

#include "core/instruction_sets.hpp"

namespace eigenscape {
namespace {

constexpr std::size_t kRows = 8;     // of a micro-tile
constexpr std::size_t kVectors = 2;  // of its rows

template <std::size_t micro_rows, typename T>
struct MicroTile {
  Vector<T> sum[micro_rows][kVectors] = {};

  /// sum += a ⊗ v with entries of a `step` apart
  [[gnu::always_inline]] void add(const T* a, std::size_t step, const T* v) {
    for (std::size_t r = 0; r < micro_rows; ++r) {
      for (std::size_t q = 0; q < kVectors; ++q) {
        sum[r][q] += a[r * step] * vector_at<T>(v + q * kLanes<T>);
      }
    }
  }

  [[gnu::always_inline]] void add_to(T* z, std::size_t row_step, std::size_t vector_step) const {
    for (std::size_t r = 0; r < micro_rows; ++r) {
      for (std::size_t q = 0; q < kVectors; ++q) {
        vector_at<T>(z + r * row_step + q * vector_step) += sum[r][q];
      }
    }
  }
};

/// Micro-tiles of C: `strip` in the first of two strips.
template <std::size_t micro_rows, typename T>
[[gnu::always_inline]] inline void add_micro(T* strip, std::size_t strip_step, const T* left,
                                             std::size_t stride, std::size_t inner,
                                             const T* right) {
  // It comes from memory while the sum is made.
  for (std::size_t r = 0; r < micro_rows; ++r) {
    __builtin_prefetch(strip + r * kLanes<T>, 1);
    __builtin_prefetch(strip + strip_step + r * kLanes<T>, 1);
  }
  MicroTile<micro_rows, T> micro;
  for (std::size_t k = 0; k < inner; ++k, right += kGroupColumns<T>) {
    micro.add(left + k, stride, right);
  }
  micro.add_to(strip, kLanes<T>, strip_step);
}

template <typename T>
[[gnu::always_inline]] inline void add_tile(const TilePart<T>& c, const T* left, std::size_t stride,
                                            std::size_t inner, const T* right) {
  const std::size_t strip_step = c.tile_rows * kLanes<T>;
  const std::size_t rows = c.rows();
  for (std::size_t j = c.first_column; j < c.last_column; j += kGroupColumns<T>) {
    T* const strip = c.strip(j);
    std::size_t r = 0;
    for (; r + kRows <= rows; r += kRows) {
      add_micro<kRows>(strip + r * kLanes<T>, strip_step, left + r * stride, stride, inner, right);
    }
    for (; r < rows; ++r) {
      add_micro<1>(strip + r * kLanes<T>, strip_step, left + r * stride, stride, inner, right);
    }
    right += inner * kGroupColumns<T>;
  }
}

/// Rows of C·V: a is the first row in the part's first strip.
template <std::size_t micro_rows, typename T>
[[gnu::always_inline]] inline void multiply_micro(const T* a, std::size_t strip_step,
                                                  std::size_t columns, const T* v, T* z,
                                                  std::size_t width) {
  MicroTile<micro_rows, T> micro;
  std::size_t k = 0;
  for (; k + kLanes<T> <= columns; k += kLanes<T>, a += strip_step) {
    for (std::size_t l = 0; l < kLanes<T>; ++l, v += kGroupColumns<T>) {
      micro.add(a + l, kLanes<T>, v);
    }
  }
  for (; k < columns; ++k, ++a, v += kGroupColumns<T>) micro.add(a, kLanes<T>, v);
  micro.add_to(z, width, kLanes<T>);
}

template <typename T>
[[gnu::always_inline]] inline void multiply_tile(const TilePart<T>& c, const ThinOperand<T>& v,
                                                 T* z) {
  const std::size_t strip_step = c.tile_rows * kLanes<T>;
  const std::size_t rows = c.rows();
  const T* const a = c.strip(c.first_column);
  const T* group = v.groups;
  for (std::size_t j = 0; j < v.width; j += kGroupColumns<T>, group += v.group_step) {
    std::size_t r = 0;
    for (; r + kRows <= rows; r += kRows) {
      multiply_micro<kRows>(a + r * kLanes<T>, strip_step, c.columns(), group, z + r * v.width + j,
                            v.width);
    }
    for (; r < rows; ++r) {
      multiply_micro<1>(a + r * kLanes<T>, strip_step, c.columns(), group, z + r * v.width + j,
                        v.width);
    }
  }
}

/// Rows of Cᵀ·V: a is the first of their columns in the part's first row.
template <std::size_t micro_rows, typename T>
[[gnu::always_inline]] inline void transposed_micro(const T* a, std::size_t rows, const T* v, T* z,
                                                    std::size_t width) {
  MicroTile<micro_rows, T> micro;
  for (std::size_t k = 0; k < rows; ++k, a += kLanes<T>, v += kGroupColumns<T>) {
    micro.add(a, 1, v);
  }
  micro.add_to(z, width, kLanes<T>);
}

template <typename T>
[[gnu::always_inline]] inline void transposed_tile(const TilePart<T>& c, const ThinOperand<T>& v,
                                                   T* z) {
  const auto column = [&](std::size_t j) { return c.strip(c.first_column + j) + j % kLanes<T>; };
  const T* group = v.groups;
  for (std::size_t j = 0; j < v.width; j += kGroupColumns<T>, group += v.group_step) {
    std::size_t r = 0;
    for (; r + kRows <= c.columns(); r += kRows) {
      transposed_micro<kRows>(column(r), c.rows(), group, z + r * v.width + j, v.width);
    }
    for (; r < c.columns(); ++r) {
      transposed_micro<1>(column(r), c.rows(), group, z + r * v.width + j, v.width);
    }
  }
}

}  // namespace

bool has_wide_vectors() {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  static const bool has = __builtin_cpu_supports("x86-64-v4") != 0;
  return has;
#else
  return false;
#endif
}

EIGENSCAPE_INSTRUCTION_SETS
void add_product(const TilePart<double>& c, const double* left, std::size_t stride,
                 std::size_t inner, const double* right) {
  add_tile(c, left, stride, inner, right);
}
EIGENSCAPE_INSTRUCTION_SETS
void add_product(const TilePart<float>& c, const float* left, std::size_t stride, std::size_t inner,
                 const float* right) {
  add_tile(c, left, stride, inner, right);
}

EIGENSCAPE_INSTRUCTION_SETS
void multiply(const TilePart<double>& c, const ThinOperand<double>& v, double* z) {
  multiply_tile(c, v, z);
}
EIGENSCAPE_INSTRUCTION_SETS
void multiply(const TilePart<float>& c, const ThinOperand<float>& v, float* z) {
  multiply_tile(c, v, z);
}

EIGENSCAPE_INSTRUCTION_SETS
void multiply_transposed(const TilePart<double>& c, const ThinOperand<double>& v, double* z) {
  transposed_tile(c, v, z);
}
EIGENSCAPE_INSTRUCTION_SETS
void multiply_transposed(const TilePart<float>& c, const ThinOperand<float>& v, float* z) {
  transposed_tile(c, v, z);
}

}  // namespace eigenscape
