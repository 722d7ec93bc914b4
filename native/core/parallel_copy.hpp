// Copies of large arrays. Fresh pages cost more than what is written to them: threads share them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <span>

#include "core/array_memory.hpp"
#include "core/finite.hpp"
#include "core/thread_pool.hpp"

namespace eigenscape {

/// Of a copy that is made before a call returns: nothing cancels it.
inline const Control& all_threads() {
  static const Control control(default_thread_count(), {});
  return control;
}

/// Calls body(first, count) for the pieces of so many bytes or entries.
template <typename Body>
void for_pieces(std::size_t size, std::size_t piece, const Control& control, const Body& body) {
  const auto run = [&](std::size_t part) {
    body(part * piece, std::min(piece, size - part * piece));
  };
  if (size <= piece) return size == 0 ? void() : run(0);
  parallel_for(control, (size + piece - 1) / piece, run);
}

/// `to` becomes `from`, of the same length.
inline void copy_in_parallel(std::span<const std::byte> from, std::span<std::byte> to,
                             const Control& control) {
  constexpr std::size_t kPiece = std::size_t{1} << 19U;
  for_pieces(to.size(), kPiece, control, [&](std::size_t first, std::size_t count) {
    std::memcpy(to.data() + first, from.data() + first, count);
  });
}

/// `to` becomes `from`, of the same length, in T. Gives the index of the first entry that is
/// infinite or NaN there, or their number.
template <typename T, typename U>
std::size_t copy_finite(std::span<const U> from, std::span<T> to, const Control& control) {
  constexpr std::size_t kPiece = std::size_t{1} << 16U;
  constexpr std::size_t kAtOnce = 8192;  // still in the cache when they are looked at
  std::atomic<std::size_t> finite = from.size();
  for_pieces(from.size(), kPiece, control, [&](std::size_t first, std::size_t count) {
    for (std::size_t start = first; start < first + count; start += kAtOnce) {
      const std::size_t entries = std::min(kAtOnce, first + count - start);
      std::copy_n(from.data() + start, entries, to.data() + start);
      const std::size_t whole = first_not_finite<T>(to.subspan(start, entries));
      if (whole == entries) continue;
      std::size_t lowest = finite;
      while (start + whole < lowest && !finite.compare_exchange_weak(lowest, start + whole)) {
      }
      return;
    }
  });
  return finite;
}

/// The same with as many entries as there are.
template <typename T, typename U>
std::size_t copy_finite(std::span<const U> from, Array<T>& to, const Control& control) {
  to.resize(from.size());
  return copy_finite<T>(from, std::span<T>(to), control);
}

}  // namespace eigenscape
