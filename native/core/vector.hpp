// 64-byte vectors of the kernels: one register with AVX-512, two with AVX2, four with SSE2; the
// compiler cuts them.
#pragma once

#include <cstddef>

namespace eigenscape {

/// Loaded from and stored to any address of entries.
template <typename T>
using Vector [[gnu::vector_size(64), gnu::aligned(sizeof(T)), gnu::may_alias]] = T;

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

}  // namespace eigenscape
