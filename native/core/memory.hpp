// How much memory is free, asked before a large matrix is allocated; and its pages.
#pragma once

#include <cstddef>
#include <string>

namespace eigenscape {

/// Bytes that this process may still take: the least of what the machine has free, the cgroup's
/// limit and the limit on address space.
std::size_t free_memory();

/// Throws ErrorCode::memory unless `bytes` are free: «`what` needs …, … are free; `advice`».
void require_memory(std::size_t bytes, const std::string& what, const std::string& advice);

/// Asks the system for large pages, where it has them for the asking: rows far apart then need no
/// walk through its tables for each stretch that a loop reads.
void prefer_large_pages(void* memory, std::size_t bytes);

}  // namespace eigenscape
