// The reflectors of bulge chasing, H_{s,k} of sweep s and step k (band_to_tridiagonal.hpp), kept
// for eigenvectors: B = Q T Qᵀ with Q = (H_{0,0} H_{0,1} …)(H_{1,0} H_{1,1} …) …
//
// H_{s,k} = I − τ v vᵀ acts on rows [s + 1 + k·b, …), at most b of them, so that those of one sweep
// lie end to end on rows s + 1 … n − 1: one entry for each, τ in the place of the 1 that v begins
// with. n²/2 entries in all.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/aligned_buffer.hpp"

namespace eigenscape {

template <typename T>
class BulgeReflectors {
 public:
  BulgeReflectors(std::size_t n, std::size_t width) : n_(n), b_(width), entries_(entry_count(n)) {}

  [[nodiscard]] static std::size_t entry_count(std::size_t n) { return n * (n - 1) / 2; }

  [[nodiscard]] std::size_t order() const { return n_; }
  [[nodiscard]] std::size_t width() const { return b_; }
  [[nodiscard]] std::size_t sweeps() const { return n_ > 2 ? n_ - 2 : 0; }

  /// Takes v [length] of sweep s on rows [c, c + length). Sweeps may be kept at the same time.
  void keep(std::size_t s, std::size_t c, std::size_t length, const T* v, T tau) {
    T* const to = &entries_[offset(s, c)];
    to[0] = tau;
    std::copy_n(v + 1, length - 1, to + 1);
  }

  /// τ, v_1, v_2 … of the reflector of sweep s whose rows begin at c.
  [[nodiscard]] const T* at(std::size_t s, std::size_t c) const { return &entries_[offset(s, c)]; }

 private:
  [[nodiscard]] std::size_t offset(std::size_t s, std::size_t c) const {
    return s * (2 * n_ - 1 - s) / 2 + (c - s - 1);
  }

  std::size_t n_;
  std::size_t b_;
  AlignedBuffer<T> entries_;
};

}  // namespace eigenscape
