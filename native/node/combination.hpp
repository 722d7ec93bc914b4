// Combinations of operators as JavaScript says them.
#pragma once

#include <napi.h>

#include <memory>

#include "core/memory.hpp"
#include "curvature/combination.hpp"
#include "node/dense_way.hpp"

namespace eigenscape::node {

/// { operators: handles, factors: Float64Array of as many, shift }
std::shared_ptr<const Combination> to_combination(const Napi::Value& value);

/// Refuses products whose copies do not fit into memory.
template <typename T>
void require_scratch(const Combination& matrix, const RowTile<const T>& v, const RowTile<T>& out) {
  const std::size_t bytes = matrix.apply_scratch(v, out);
  if (bytes <= kUnasked) return;
  require_memory(bytes, "the products of an operator with " + std::to_string(v.count) + " vectors",
                 "give fewer vectors at once, or dtype: 'float32' to the network");
}

}  // namespace eigenscape::node
