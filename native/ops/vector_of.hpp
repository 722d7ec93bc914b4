// Vectors of any width, in the compiler's own notation.
#pragma once

#include <cstddef>

namespace eigenscape::ops {

template <typename T, std::size_t kBytes>
struct VectorOf {
  // Aligned as its entries are: scratch is cut at any entry.
  using type [[gnu::vector_size(kBytes), gnu::may_alias, gnu::aligned(sizeof(T))]] = T;
};

}  // namespace eigenscape::ops
