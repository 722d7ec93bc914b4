#include "eigensolver/sturm_counts.hpp"

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"

namespace eigenscape {
namespace {

/// Steps between scalings: p changes by a factor from kLeastSquare to 8 in one.
constexpr std::size_t kSteps = 8;
constexpr std::uint64_t kExponent = 0x7ff0000000000000;
/// 2^0 and its reciprocal have exponent bits that add up to this.
constexpr std::uint64_t kReciprocal = std::uint64_t{2 * 1023} << 52U;

/// Of as many points as nearly stay in registers.
template <std::size_t kBytes>
struct Recurrence {
  using Numbers = typename VectorOf<double, kBytes>::type;
  using Bits = typename VectorOf<std::uint64_t, kBytes>::type;
  static constexpr std::size_t kLanesOfV = kBytes / sizeof(double);
  static constexpr std::size_t kVectors = 4;

  Numbers x[kVectors];
  Numbers p[kVectors];
  Numbers before[kVectors];
  Bits changes[kVectors];
  Bits exponents[kVectors];

  [[gnu::always_inline]] void step(double d, double square) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Numbers next = (d - x[v]) * p[v] - square * before[v];
      changes[v] += ((Bits)next ^ (Bits)p[v]) >> 63U;
      before[v] = p[v];
      p[v] = next;
    }
  }

  /// By the power of two that makes the larger of the last two about 1.
  [[gnu::always_inline]] void scale() {
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Bits a = (Bits)p[v] & kExponent;
      const Bits b = (Bits)before[v] & kExponent;
      const Bits largest = a > b ? a : b;
      const Numbers factor = (Numbers)(kReciprocal - largest);
      p[v] *= factor;
      before[v] *= factor;
      exponents[v] += (largest >> 52U) - 1023U;
    }
  }
};

/// Of points [first, first + kVectors·kLanesOfV).
template <std::size_t kBytes>
[[gnu::always_inline]] inline void count(std::span<const double> d, std::span<const double> squares,
                                         const double* x, std::size_t first, SturmCounts& counts) {
  using Some = Recurrence<kBytes>;
  Some r{};
  for (std::size_t v = 0; v < Some::kVectors; ++v) {
    const double* const points = x + first + v * Some::kLanesOfV;
    r.x[v] = *reinterpret_cast<const typename Some::Numbers*>(points);
    r.p[v] = typename Some::Numbers{} + 1.0;
  }
  const std::size_t n = d.size();
  std::size_t k = 0;
  for (; k + kSteps <= n; k += kSteps) {
    for (std::size_t s = 0; s < kSteps; ++s) r.step(d[k + s], squares[k + s]);
    r.scale();
  }
  for (; k < n; ++k) r.step(d[k], squares[k]);
  r.scale();
  for (std::size_t v = 0; v < Some::kVectors; ++v) {
    for (std::size_t l = 0; l < Some::kLanesOfV; ++l) {
      const std::size_t point = first + v * Some::kLanesOfV + l;
      counts.below[point] = r.changes[v][l];
      counts.determinant[point] = r.p[v][l];
      counts.exponent[point] = static_cast<std::int64_t>(r.exponents[v][l]);
    }
  }
}

template <std::size_t kBytes>
[[gnu::always_inline]] inline void count_all(std::span<const double> d,
                                             std::span<const double> squares, const double* x,
                                             SturmCounts& counts) {
  constexpr std::size_t kStep = Recurrence<kBytes>::kVectors * Recurrence<kBytes>::kLanesOfV;
  static_assert(kSturmPoints % kStep == 0);
  for (std::size_t first = 0; first < kSturmPoints; first += kStep) {
    count<kBytes>(d, squares, x, first, counts);
  }
}

#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
[[gnu::target("arch=x86-64-v4")]] void counts_v4(std::span<const double> d,
                                                 std::span<const double> squares, const double* x,
                                                 SturmCounts& counts) {
  count_all<64>(d, squares, x, counts);
}
[[gnu::target("arch=x86-64-v3")]] void counts_v3(std::span<const double> d,
                                                 std::span<const double> squares, const double* x,
                                                 SturmCounts& counts) {
  count_all<32>(d, squares, x, counts);
}
#endif

}  // namespace

void sturm_counts(std::span<const double> d, std::span<const double> squares, const double* x,
                  SturmCounts& counts) {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::v4) return counts_v4(d, squares, x, counts);
  if (set == InstructionSet::v3) return counts_v3(d, squares, x, counts);
#endif
  count_all<16>(d, squares, x, counts);
}

}  // namespace eigenscape
