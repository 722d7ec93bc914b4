// What every operation needs of shapes and attributes.
#include "ops/operation.hpp"

#include "core/error.hpp"

namespace eigenscape {

std::size_t entry_count(const Shape& shape) {
  // Far more than any memory holds, and far from where sums of such counts would overflow.
  constexpr std::size_t kMost = std::size_t{1} << 48;
  std::size_t count = 1;
  for (const std::size_t extent : shape) {
    if (extent != 0 && count > kMost / extent) {
      throw Error(ErrorCode::memory,
                  "a tensor of more than 2^48 entries is too large for any memory");
    }
    count *= extent;
  }
  return count;
}

double attribute(const Attributes& attributes, std::string_view name, double fallback) {
  const auto found = attributes.find(name);
  return found == attributes.end() || found->second.empty() ? fallback : found->second.front();
}

std::span<const double> attribute_list(const Attributes& attributes, std::string_view name) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? std::span<const double>{} : found->second;
}

std::string describe(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace eigenscape
