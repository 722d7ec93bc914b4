// A matrix into another, rows as columns.
#pragma once

#include <cstddef>

namespace eigenscape {

/// to[j, i] = from[i, j] for `rows` × `columns` entries; row strides in entries.
template <typename T>
void transpose(std::size_t rows, std::size_t columns, const T* from, std::size_t from_stride, T* to,
               std::size_t to_stride);

}  // namespace eigenscape
