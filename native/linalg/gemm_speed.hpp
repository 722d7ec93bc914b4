// How fast this machine multiplies matrices: the floor that other work is measured against.
#pragma once

#include <cstddef>

#include "core/control.hpp"

namespace eigenscape {

/// Multiplies two n × n matrices, a strip of rows per thread, a few times over; returns the flops
/// per second of the fastest, counting 2·n³.
template <typename T>
double gemm_speed(std::size_t n, const Control& control);

/// Bytes that gemm_speed allocates.
constexpr std::size_t gemm_speed_workspace(std::size_t n, std::size_t entry_bytes) {
  return 3 * n * n * entry_bytes;
}

}  // namespace eigenscape
