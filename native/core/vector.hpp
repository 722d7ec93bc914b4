// Vectors of the kernels, in the compiler's own notation. 64 bytes are one register with AVX-512,
// two with AVX2, four with SSE2: the compiler cuts them, but keeps the pieces in memory, so that
// loops which ought to stay in registers are written for each width (core/instruction_sets.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace eigenscape {

/// Loaded from and stored to any address of entries.
template <typename T, std::size_t kBytes>
struct VectorOf {
  using type [[gnu::vector_size(kBytes), gnu::aligned(sizeof(T)), gnu::may_alias]] = T;
};

/// Of a line of the cache.
template <typename T>
using Vector = typename VectorOf<T, 64>::type;

template <typename T>
inline constexpr std::size_t kLanes = 64 / sizeof(T);

template <typename T>
[[gnu::always_inline]] inline const Vector<T>& vector_at(const T* p) {
  return *reinterpret_cast<const Vector<T>*>(p);
}
template <typename T>
[[gnu::always_inline]] inline Vector<T>& vector_at(T* p) {
  return *reinterpret_cast<Vector<T>*>(p);
}

/// The entries that are numbered so in a and, behind it, b. GCC 11 does not know the builtin's
/// other name.
template <std::size_t... kIndex, typename V>
[[gnu::always_inline]] inline void shuffle(const V& a, const V& b, V& out) {
#if defined(__clang__) || __GNUC__ >= 12
  out = __builtin_shufflevector(a, b, static_cast<int>(kIndex)...);
#else
  using Entry = std::conditional_t<sizeof(a[0]) == 8, std::int64_t, std::int32_t>;
  using Index [[gnu::vector_size(sizeof(V))]] = Entry;
  out = __builtin_shuffle(a, b, Index{static_cast<Entry>(kIndex)...});
#endif
}

}  // namespace eigenscape
