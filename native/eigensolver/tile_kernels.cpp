#include "eigensolver/tile_kernels.hpp"

#include <algorithm>

#include "core/instruction_sets.hpp"

namespace eigenscape {
namespace {

/// Rows and vectors of a micro-tile: its sums and what they read stay in registers.
template <std::size_t kBytes>
constexpr std::size_t kMicroRows = kBytes == 64 ? 8 : 6;
constexpr std::size_t kVectors = 2;

template <typename T, std::size_t kBytes>
constexpr std::size_t kMicroColumns = kVectors* kBytes / sizeof(T);

template <typename T, std::size_t kBytes, std::size_t kRows>
struct MicroTile {
  using V = typename VectorOf<T, kBytes>::type;
  static constexpr std::size_t kLanesOfV = kBytes / sizeof(T);

  V sum[kRows][kVectors] = {};

  /// sum += a ⊗ v, where entry(r) is a_r
  template <typename Entry>
  [[gnu::always_inline]] void add(const Entry& entry, const T* v) {
    V vectors[kVectors];
    for (std::size_t q = 0; q < kVectors; ++q) {
      vectors[q] = *reinterpret_cast<const V*>(v + q * kLanesOfV);
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      const T a = entry(r);
      for (std::size_t q = 0; q < kVectors; ++q) sum[r][q] += a * vectors[q];
    }
  }

  [[gnu::always_inline]] void add_to(T* z, std::size_t row_step, std::size_t vector_step) const {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t q = 0; q < kVectors; ++q) {
        *reinterpret_cast<V*>(z + r * row_step + q * vector_step) += sum[r][q];
      }
    }
  }
};

/// Calls act.operator()<kRows>(row) for all rows, most of which are in micro-tiles of full height.
template <std::size_t kMost, typename Act>
[[gnu::always_inline]] inline void in_micro_tiles(std::size_t rows, const Act& act) {
  std::size_t r = 0;
  // Twice four rows rather than six and two.
  while (rows - r >= kMost && (kMost == 8 || rows - r != 8)) {
    act.template operator()<kMost>(r);
    r += kMost;
  }
  for (; rows - r >= 4; r += 4) act.template operator()<4>(r);
  for (; rows - r >= 2; r += 2) act.template operator()<2>(r);
  if (r < rows) act.template operator()<1>(r);
}

/// A micro-tile of C, which begins in the strip that `c` is in.
template <typename T, std::size_t kBytes, std::size_t kRows>
[[gnu::always_inline]] inline void add_micro(T* c, std::size_t strip_step, const T* left,
                                             std::size_t stride, std::size_t inner,
                                             const T* right) {
  const std::size_t vector_step = kBytes == 64 ? strip_step : kBytes / sizeof(T);
  // It comes from memory while the sum is made.
  for (std::size_t r = 0; r < kRows; ++r) {
    __builtin_prefetch(c + r * kLanes<T>, 1);
    if (kBytes == 64) __builtin_prefetch(c + vector_step + r * kLanes<T>, 1);
  }
  MicroTile<T, kBytes, kRows> micro;
  for (std::size_t k = 0; k < inner; ++k, right += kGroupColumns<T>) {
    micro.add(
        [&](std::size_t r) __attribute__((always_inline)) { return left[r * stride + k]; }, right);
  }
  micro.add_to(c, kLanes<T>, vector_step);
}

/// By blocks of columns whose share of R stays in the first level of cache, so that L comes from
/// the second once for each.
template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void add_tile(const TilePart<T>& c, const T* left, std::size_t stride,
                                            std::size_t inner, const T* right) {
  constexpr std::size_t kStep = kMicroColumns<T, kBytes>;
  constexpr std::size_t kBlock = 2 * kGroupColumns<T>;
  const std::size_t strip_step = c.tile_rows * kLanes<T>;
  for (std::size_t block = 0; block < c.columns(); block += kBlock) {
    const std::size_t last = std::min(c.columns(), block + kBlock);
    in_micro_tiles<kMicroRows<kBytes>>(
        c.rows(), [&]<std::size_t kRows>(std::size_t r) __attribute__((always_inline)) {
          for (std::size_t j = block; j < last; j += kStep) {
            T* const strip = c.strip(c.first_column + j) + j % kLanes<T>;
            const std::size_t in_group = j % kGroupColumns<T>;
            add_micro<T, kBytes, kRows>(strip + r * kLanes<T>, strip_step, left + r * stride,
                                        stride, inner, right + (j - in_group) * inner + in_group);
          }
        });
  }
}

/// Rows of C·V: a is the first row in the part's first strip.
template <typename T, std::size_t kBytes, std::size_t kRows>
[[gnu::always_inline]] inline void multiply_micro(const T* a, std::size_t strip_step,
                                                  std::size_t columns, const T* v, T* z,
                                                  std::size_t width) {
  MicroTile<T, kBytes, kRows> micro;
  const auto add = [&](std::size_t column) __attribute__((always_inline)) {
    micro.add(
        [&](std::size_t r) __attribute__((always_inline)) { return a[r * kLanes<T> + column]; }, v);
    v += kGroupColumns<T>;
  };
  std::size_t k = 0;
  for (; k + kLanes<T> <= columns; k += kLanes<T>, a += strip_step) {
    for (std::size_t l = 0; l < kLanes<T>; ++l) add(l);
  }
  for (std::size_t l = 0; k + l < columns; ++l) add(l);
  micro.add_to(z, width, kBytes / sizeof(T));
}

/// Calls act(column of V and Z, V's part from it on) for the micro-tiles' columns of a group.
template <typename T, std::size_t kBytes, typename Act>
[[gnu::always_inline]] inline void in_group(const ThinOperand<T>& v, std::size_t group,
                                            const Act& act) {
  for (std::size_t j = 0; j < kGroupColumns<T>; j += kMicroColumns<T, kBytes>) {
    act(group * kGroupColumns<T> + j, v.groups + group * v.group_step + j);
  }
}

static_assert(kRun % kLanes<float> == 0);

template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void multiply_tile(const TilePart<T>& c, const ThinOperand<T>& v,
                                                 T* z) {
  const std::size_t strip_step = c.tile_rows * kLanes<T>;
  const T* const a = c.strip(c.first_column);
  for (std::size_t group = 0; group < v.width / kGroupColumns<T>; ++group) {
    in_micro_tiles<kMicroRows<kBytes>>(
        c.rows(), [&]<std::size_t kRows>(std::size_t r) __attribute__((always_inline)) {
          in_group<T, kBytes>(
              v, group, [&](std::size_t j, const T* part) __attribute__((always_inline)) {
                for (std::size_t first = 0; first < c.columns(); first += kRun) {
                  multiply_micro<T, kBytes, kRows>(
                      a + first / kLanes<T> * strip_step + r * kLanes<T>, strip_step,
                      std::min(kRun, c.columns() - first), part + first * kGroupColumns<T>,
                      z + r * v.width + j, v.width);
                }
              });
        });
  }
}

/// Rows of Cᵀ·V, which are columns of C: the first kInA of them from a on, the others from b on.
template <typename T, std::size_t kBytes, std::size_t kRows, std::size_t kInA>
[[gnu::always_inline]] inline void transposed_micro(const T* a, const T* b, std::size_t rows,
                                                    const T* v, T* z, std::size_t width) {
  MicroTile<T, kBytes, kRows> micro;
  for (std::size_t k = 0; k < rows; ++k, v += kGroupColumns<T>) {
    micro.add(
        [&](std::size_t r) __attribute__((always_inline)) {
          return r < kInA ? a[k * kLanes<T> + r] : b[k * kLanes<T> + r - kInA];
        },
        v);
  }
  micro.add_to(z, width, kBytes / sizeof(T));
}

/// The share of a run of C's rows, `first` and those behind it, in kRows rows of Cᵀ·V from r on.
/// Micro-tiles of six rows reach into the next strip; all begin at even columns.
template <typename T, std::size_t kBytes, std::size_t kRows>
[[gnu::always_inline]] inline void transposed_rows(const TilePart<T>& c, std::size_t r,
                                                   std::size_t first, const T* v, T* z,
                                                   std::size_t width) {
  const std::size_t rows = std::min(kRun, c.rows() - first);
  const std::size_t in_strip = (c.first_column + r) % kLanes<T>;
  const T* const a = c.strip(c.first_column + r) + first * kLanes<T> + in_strip;
  const T* const b = a - in_strip + c.tile_rows * kLanes<T>;
  const std::size_t in_a = kLanes<T> - in_strip;
  if constexpr (kRows == 6) {
    if (in_a == 4) return transposed_micro<T, kBytes, 6, 4>(a, b, rows, v, z, width);
  }
  if constexpr (kRows == 6 || kRows == 4) {
    if (in_a == 2) return transposed_micro<T, kBytes, kRows, 2>(a, b, rows, v, z, width);
  }
  transposed_micro<T, kBytes, kRows, kRows>(a, b, rows, v, z, width);
}

template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void transposed_tile(const TilePart<T>& c, const ThinOperand<T>& v,
                                                   T* z) {
  for (std::size_t group = 0; group < v.width / kGroupColumns<T>; ++group) {
    in_micro_tiles<kMicroRows<kBytes>>(
        c.columns(), [&]<std::size_t kRows>(std::size_t r) __attribute__((always_inline)) {
          in_group<T, kBytes>(
              v, group, [&](std::size_t j, const T* part) __attribute__((always_inline)) {
                for (std::size_t first = 0; first < c.rows(); first += kRun) {
                  transposed_rows<T, kBytes, kRows>(c, r, first, part + first * kGroupColumns<T>,
                                                    z + r * v.width + j, v.width);
                }
              });
        });
  }
}

template <typename T>
struct TileKernels {
  void (*add)(const TilePart<T>& c, const T* left, std::size_t stride, std::size_t inner,
              const T* right);
  void (*multiply)(const TilePart<T>& c, const ThinOperand<T>& v, T* z);
  void (*multiply_transposed)(const TilePart<T>& c, const ThinOperand<T>& v, T* z);
};

template <typename T>
void add_baseline(const TilePart<T>& c, const T* left, std::size_t stride, std::size_t inner,
                  const T* right) {
  add_tile<T, 16>(c, left, stride, inner, right);
}
template <typename T>
void multiply_baseline(const TilePart<T>& c, const ThinOperand<T>& v, T* z) {
  multiply_tile<T, 16>(c, v, z);
}
template <typename T>
void transposed_baseline(const TilePart<T>& c, const ThinOperand<T>& v, T* z) {
  transposed_tile<T, 16>(c, v, z);
}

#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void add_v3(const TilePart<T>& c, const T* left,
                                              std::size_t stride, std::size_t inner,
                                              const T* right) {
  add_tile<T, 32>(c, left, stride, inner, right);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void multiply_v3(const TilePart<T>& c, const ThinOperand<T>& v,
                                                   T* z) {
  multiply_tile<T, 32>(c, v, z);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void transposed_v3(const TilePart<T>& c, const ThinOperand<T>& v,
                                                     T* z) {
  transposed_tile<T, 32>(c, v, z);
}
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void add_v4(const TilePart<T>& c, const T* left,
                                              std::size_t stride, std::size_t inner,
                                              const T* right) {
  add_tile<T, 64>(c, left, stride, inner, right);
}
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void multiply_v4(const TilePart<T>& c, const ThinOperand<T>& v,
                                                   T* z) {
  multiply_tile<T, 64>(c, v, z);
}
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void transposed_v4(const TilePart<T>& c, const ThinOperand<T>& v,
                                                     T* z) {
  transposed_tile<T, 64>(c, v, z);
}
#endif

template <typename T>
TileKernels<T> kernels() {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  switch (instruction_set()) {
    case InstructionSet::v4:
      return {add_v4<T>, multiply_v4<T>, transposed_v4<T>};
    case InstructionSet::v3:
      return {add_v3<T>, multiply_v3<T>, transposed_v3<T>};
    case InstructionSet::baseline:
      break;
  }
#endif
  return {add_baseline<T>, multiply_baseline<T>, transposed_baseline<T>};
}

}  // namespace

bool has_wide_vectors() { return instruction_set() != InstructionSet::baseline; }

template <typename T>
void add_product(const TilePart<T>& c, const T* left, std::size_t stride, std::size_t inner,
                 const T* right) {
  kernels<T>().add(c, left, stride, inner, right);
}
template <typename T>
void multiply(const TilePart<T>& c, const ThinOperand<T>& v, T* z) {
  kernels<T>().multiply(c, v, z);
}
template <typename T>
void multiply_transposed(const TilePart<T>& c, const ThinOperand<T>& v, T* z) {
  kernels<T>().multiply_transposed(c, v, z);
}

template void add_product<double>(const TilePart<double>&, const double*, std::size_t, std::size_t,
                                  const double*);
template void add_product<float>(const TilePart<float>&, const float*, std::size_t, std::size_t,
                                 const float*);
template void multiply<double>(const TilePart<double>&, const ThinOperand<double>&, double*);
template void multiply<float>(const TilePart<float>&, const ThinOperand<float>&, float*);
template void multiply_transposed<double>(const TilePart<double>&, const ThinOperand<double>&,
                                          double*);
template void multiply_transposed<float>(const TilePart<float>&, const ThinOperand<float>&, float*);

}  // namespace eigenscape
