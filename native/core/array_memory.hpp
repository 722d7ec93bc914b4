// Memory of arrays. To fault and zero large ones page by page takes several times as long as to
// copy them, so these lie in large pages, and those that were freed last are kept for the next.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace eigenscape {

/// From here on arrays have pages of their own.
inline constexpr std::size_t kLargeArray = std::size_t{4} << 20;

/// At least `bytes`, from a cache line on, not initialised. Throws std::bad_alloc.
void* allocate_array(std::size_t bytes);
void release_array(void* memory, std::size_t bytes) noexcept;

/// Gives back to the system what is kept. (It takes the pages by itself when it needs them, but the
/// addresses count against a limit of the process.)
void drop_spare_arrays() noexcept;

template <typename T>
struct ArrayAllocator {
  using value_type = T;

  ArrayAllocator() = default;
  template <typename U>
  explicit(false) ArrayAllocator(const ArrayAllocator<U>& /*other*/) {}

  /// Entries that are given no value are not initialised: fresh pages cost more than what is
  /// written to them, and threads share that.
  template <typename U>
  void construct(U* entry) noexcept {
    ::new (static_cast<void*>(entry)) U;
  }
  T* allocate(std::size_t count) { return static_cast<T*>(allocate_array(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept {
    release_array(memory, count * sizeof(T));
  }
  template <typename U>
  bool operator==(const ArrayAllocator<U>& /*other*/) const {
    return true;
  }
};

/// As long as a network has parameters. Array(n) has entries of any value.
template <typename T>
using Array = std::vector<T, ArrayAllocator<T>>;

}  // namespace eigenscape
