#include "data/elements.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/error.hpp"

namespace eigenscape {
namespace {

constexpr double kRefused = std::numeric_limits<double>::quiet_NaN();

/// IEEE binary16: sign, 5 bits of exponent, 10 of fraction.
struct Half {
  std::uint16_t bits;
};

struct Bit {
  std::uint8_t byte;
};

double widen(Half half) {
  const double sign = (half.bits & 0x8000U) != 0 ? -1 : 1;
  const int exponent = (half.bits >> 10U) & 0x1fU;
  const int fraction = half.bits & 0x3ffU;
  constexpr int kSpecial = 0x1f;
  if (exponent == kSpecial) return kRefused;
  return exponent == 0 ? sign * std::ldexp(fraction, -24)
                       : sign * std::ldexp(1024 + fraction, exponent - 25);
}

double widen(Bit bit) { return bit.byte > 1 ? kRefused : bit.byte; }

template <typename Number>
double widen(Number number) {
  if constexpr (std::is_integral_v<Number> && sizeof(Number) == 8) {
    constexpr std::int64_t kLargest = (std::int64_t{1} << 53) - 1;
    const bool held =
        std::cmp_less_equal(number, kLargest) && std::cmp_greater_equal(number, -kLargest);
    return held ? static_cast<double>(number) : kRefused;
  } else {
    return static_cast<double>(number);
  }
}

template <typename Stored>
void decode_all(bool swapped, std::span<const std::byte> bytes, std::span<double> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::array<std::byte, sizeof(Stored)> one;
    std::memcpy(one.data(), bytes.data() + i * sizeof(Stored), sizeof(Stored));
    if (swapped) std::reverse(one.begin(), one.end());
    Stored number;
    std::memcpy(&number, one.data(), sizeof(Stored));
    values[i] = widen(number);
  }
}

struct Kind {
  const char* name;
  std::size_t bytes;
  void (*decode)(bool swapped, std::span<const std::byte> bytes, std::span<double> values);
};

/// In the order of Element.
constexpr std::array<Kind, 12> kKinds{{
    {"b1", 1, decode_all<Bit>},
    {"i1", 1, decode_all<std::int8_t>},
    {"u1", 1, decode_all<std::uint8_t>},
    {"i2", 2, decode_all<std::int16_t>},
    {"u2", 2, decode_all<std::uint16_t>},
    {"i4", 4, decode_all<std::int32_t>},
    {"u4", 4, decode_all<std::uint32_t>},
    {"i8", 8, decode_all<std::int64_t>},
    {"u8", 8, decode_all<std::uint64_t>},
    {"f2", 2, decode_all<Half>},
    {"f4", 4, decode_all<float>},
    {"f8", 8, decode_all<double>},
}};

const Kind& kind_of(Element element) { return kKinds[static_cast<std::size_t>(element)]; }

}  // namespace

std::size_t ElementFormat::bytes() const { return kind_of(element).bytes; }

Element to_element(const std::string& name) {
  const auto* const found = std::ranges::find(kKinds, name, &Kind::name);
  if (found == kKinds.end()) throw Error(ErrorCode::internal, "unknown elements '" + name + "'");
  return static_cast<Element>(found - kKinds.begin());
}

void decode(const ElementFormat& format, std::span<const std::byte> bytes,
            std::span<double> values) {
  kind_of(format.element).decode(format.swapped, bytes, values);
}

}  // namespace eigenscape
