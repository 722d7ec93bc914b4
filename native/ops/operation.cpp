// What every operation needs of shapes and attributes.
#include "ops/operation.hpp"

#include <functional>
#include <numeric>

namespace eigenscape {

std::size_t entry_count(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>{});
}

double attribute(const Attributes& attributes, std::string_view name, double fallback) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? fallback : found->second;
}

}  // namespace eigenscape
