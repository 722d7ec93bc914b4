#include "eigensolver/sturm_counts.hpp"

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"

namespace eigenscape {
namespace {

using Numbers = Vector<double>;
using Bits [[gnu::vector_size(64), gnu::may_alias]] = std::uint64_t;

constexpr std::size_t kVectors = kSturmPoints / kLanes<double>;
/// Steps between scalings: p changes by a factor from kLeastSquare to 8 in one.
constexpr std::size_t kSteps = 8;
constexpr std::uint64_t kExponent = 0x7ff0000000000000;
/// 2^0 and its reciprocal have exponent bits that add up to this.
constexpr std::uint64_t kReciprocal = std::uint64_t{2 * 1023} << 52U;

struct Recurrence {
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

[[gnu::always_inline]] inline void count(std::span<const double> d, std::span<const double> squares,
                                         const double* x, SturmCounts& counts) {
  Recurrence r{};
  for (std::size_t v = 0; v < kVectors; ++v) {
    r.x[v] = vector_at<double>(x + v * kLanes<double>);
    r.p[v] = Numbers{} + 1.0;
  }
  const std::size_t n = d.size();
  std::size_t k = 0;
  for (; k + kSteps <= n; k += kSteps) {
    for (std::size_t s = 0; s < kSteps; ++s) r.step(d[k + s], squares[k + s]);
    r.scale();
  }
  for (; k < n; ++k) r.step(d[k], squares[k]);
  r.scale();
  for (std::size_t v = 0; v < kVectors; ++v) {
    for (std::size_t l = 0; l < kLanes<double>; ++l) {
      const std::size_t point = v * kLanes<double> + l;
      counts.below[point] = r.changes[v][l];
      counts.determinant[point] = r.p[v][l];
      counts.exponent[point] = static_cast<std::int64_t>(r.exponents[v][l]);
    }
  }
}

}  // namespace

EIGENSCAPE_INSTRUCTION_SETS
void sturm_counts(std::span<const double> d, std::span<const double> squares, const double* x,
                  SturmCounts& counts) {
  count(d, squares, x, counts);
}

}  // namespace eigenscape
