#include "linalg/transpose.hpp"

#include <algorithm>
#include <utility>

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"

namespace eigenscape {
namespace {

template <typename T>
struct Side {
  T* data;
  std::size_t stride;
  [[nodiscard]] Side at(std::size_t row, std::size_t column) const {
    return {data + row * stride + column, stride};
  }
};

template <typename V, std::size_t... kIndex>
[[gnu::always_inline]] inline void interleave(const V& a, const V& b, V& low, V& high,
                                              std::index_sequence<kIndex...> /*lanes*/) {
  constexpr std::size_t n = sizeof...(kIndex);
  shuffle<(kIndex / 2 + kIndex % 2 * n)...>(a, b, low);
  shuffle<(n / 2 + kIndex / 2 + kIndex % 2 * n)...>(a, b, high);
}

/// A square whose rows are vectors of kBytes: as the two halves of a pack of cards are shuffled
/// into one another, log₂ of their number times.
template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void square(Side<const T> from, Side<T> to) {
  using V = typename VectorOf<T, kBytes>::type;
  constexpr std::size_t n = kBytes / sizeof(T);
  V rows[n];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < n; ++i) rows[i] = *reinterpret_cast<const V*>(from.at(i, 0).data);
#pragma GCC unroll 4
  for (std::size_t round = 1; round < n; round *= 2) {
    V shuffled[n];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < n / 2; ++i) {
      interleave(rows[i], rows[i + n / 2], shuffled[2 * i], shuffled[2 * i + 1],
                 std::make_index_sequence<n>{});
    }
    std::copy_n(shuffled, n, rows);
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < n; ++i) *reinterpret_cast<V*>(to.at(i, 0).data) = rows[i];
}

/// Squares side by side, as many as there are.
template <typename T>
using Squares = void (*)(std::size_t count, Side<const T> from, Side<T> to);

template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void squares(std::size_t count, Side<const T> from, Side<T> to) {
  constexpr std::size_t n = kBytes / sizeof(T);
  for (std::size_t k = 0; k < count; ++k) square<T, kBytes>(from.at(0, k * n), to.at(k * n, 0));
}

template <typename T>
void squares_baseline(std::size_t count, Side<const T> from, Side<T> to) {
  squares<T, 16>(count, from, to);
}
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void squares_v4(std::size_t count, Side<const T> from,
                                                  Side<T> to) {
  squares<T, 64>(count, from, to);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void squares_v3(std::size_t count, Side<const T> from,
                                                  Side<T> to) {
  squares<T, 32>(count, from, to);
}
#endif

template <typename T>
struct Kernel {
  std::size_t width;
  Squares<T> squares;
};

template <typename T>
Kernel<T> kernel() {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::v4) return {64 / sizeof(T), squares_v4<T>};
  if (set == InstructionSet::v3) return {32 / sizeof(T), squares_v3<T>};
#endif
  return {16 / sizeof(T), squares_baseline<T>};
}

template <typename T>
void copy_rest(std::size_t rows, std::size_t columns, Side<const T> from, Side<T> to) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) *to.at(j, i).data = *from.at(i, j).data;
  }
}

}  // namespace

/// By rows of squares, which stay in the first level of cache on both sides while they are narrow.
template <typename T>
void transpose(std::size_t rows, std::size_t columns, const T* from, std::size_t from_stride, T* to,
               std::size_t to_stride) {
  constexpr std::size_t kTile = 16;
  // Every row is a stream of its own: too many for the processor to foresee.
  constexpr std::size_t kAhead = 16 * kTile;
  const auto [width, squares] = kernel<T>();
  const Side<const T> in{from, from_stride};
  const Side<T> out{to, to_stride};
  const std::size_t whole_rows = rows / width * width;
  const std::size_t whole_columns = columns / width * width;
  for (std::size_t first = 0; first < whole_columns; first += kTile) {
    const std::size_t count = std::min(kTile, whole_columns - first) / width;
    for (std::size_t i = 0; i < whole_rows; i += width) {
      for (std::size_t row = i; row < i + width; ++row) {
        __builtin_prefetch(in.at(row, first + kAhead).data);
      }
      squares(count, in.at(i, first), out.at(first, i));
    }
  }
  copy_rest<T>(whole_rows, columns - whole_columns, in.at(0, whole_columns),
               out.at(whole_columns, 0));
  copy_rest<T>(rows - whole_rows, columns, in.at(whole_rows, 0), out.at(0, whole_rows));
}

template void transpose<double>(std::size_t, std::size_t, const double*, std::size_t, double*,
                                std::size_t);
template void transpose<float>(std::size_t, std::size_t, const float*, std::size_t, float*,
                               std::size_t);

}  // namespace eigenscape
