// Numbers as files hold them, widened to float64.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace eigenscape {

enum class Element { b1, i1, u1, i2, u2, i4, u4, i8, u8, f2, f4, f8 };

struct ElementFormat {
  Element element = Element::u1;
  bool swapped = false;  // against this machine's byte order

  [[nodiscard]] std::size_t bytes() const;
};

/// By numpy's kind and size: 'u1', 'f4' …; throws ErrorCode::internal for others.
Element to_element(const std::string& name);

/// values[i] = element i of `bytes`, exactly. A number that no dataset may hold (NaN, infinity, an
/// integer beyond ±(2⁵³ − 1), a boolean other than 0 and 1) becomes NaN.
void decode(const ElementFormat& format, std::span<const std::byte> bytes,
            std::span<double> values);

}  // namespace eigenscape
