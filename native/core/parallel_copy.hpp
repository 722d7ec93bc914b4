// Copies of large arrays.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "core/thread_pool.hpp"

namespace eigenscape {

/// `to` becomes `from`, of the same length. Fresh pages cost more than what is written to them:
/// threads share them.
inline void copy_in_parallel(std::span<const std::byte> from, std::span<std::byte> to,
                             const Control& control) {
  constexpr std::size_t kPiece = std::size_t{1} << 19U;
  parallel_for(control, (to.size() + kPiece - 1) / kPiece, [&](std::size_t part) {
    const std::size_t first = part * kPiece;
    std::memcpy(to.data() + first, from.data() + first, std::min(kPiece, to.size() - first));
  });
}

}  // namespace eigenscape
