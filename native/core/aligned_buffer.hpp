// Memory that starts on a cache line, so that the same problem meets the same alignment everywhere.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

#include "core/array_memory.hpp"

namespace eigenscape {

/// `size` entries of a trivial type, not initialised unless zero() is called. Grows, never shrinks.
template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size) { resize(size); }

  /// Makes room for `size` entries; the old ones are lost when it has to grow.
  void resize(std::size_t size) {
    if (size > capacity_) {
      data_.reset();
      capacity_ = 0;
      data_ = Memory(static_cast<T*>(allocate_array(size * sizeof(T))), Release{size});
      capacity_ = size;
    }
    size_ = size;
  }
  void zero() { std::fill_n(data_.get(), size_, T{}); }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }
  [[nodiscard]] std::span<T> span() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const T> span() const { return {data_.get(), size_}; }
  T& operator[](std::size_t i) { return data_.get()[i]; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }

 private:
  struct Release {
    std::size_t capacity = 0;
    void operator()(T* data) const { release_array(data, capacity * sizeof(T)); }
  };
  using Memory = std::unique_ptr<T, Release>;
  Memory data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace eigenscape
