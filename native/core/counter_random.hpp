// Random numbers as a function of a counter: any of them can be had without those before it, so
// that they do not depend on who computes what, or in which order.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace eigenscape {

class CounterRandom {
 public:
  explicit CounterRandom(std::uint64_t seed) : key_(mix(seed)) {}

  /// Another stream, one for each index.
  [[nodiscard]] CounterRandom stream(std::uint64_t index) const {
    return CounterRandom(key_ + mix(index));
  }
  /// Uniform in (0, 1).
  [[nodiscard]] double uniform(std::uint64_t counter) const {
    const std::uint64_t word = mix(key_ + counter);
    return (static_cast<double>(word >> 12U) + 0.5) * 0x1p-52;
  }
  /// N(0, 1), by Box and Muller (1958).
  [[nodiscard]] double normal(std::uint64_t counter) const {
    const double angle = 2 * std::numbers::pi * uniform(2 * counter + 1);
    return std::sqrt(-2 * std::log(uniform(2 * counter))) * std::cos(angle);
  }

 private:
  /// SplitMix64 (Steele, Lea and Flood 2014) as a function of its counter.
  static std::uint64_t mix(std::uint64_t z) {
    z += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }

  std::uint64_t key_;
};

}  // namespace eigenscape
