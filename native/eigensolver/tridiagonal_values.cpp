#include "eigensolver/tridiagonal_values.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>

#include "core/thread_pool.hpp"
#include "eigensolver/sturm_counts.hpp"

namespace eigenscape {
namespace {

/// Eigenvalues of a task: enough to keep all points of a pass at work until the last few, and
/// tasks for all cores.
std::size_t group_of(std::size_t n) { return std::clamp<std::size_t>(n / 8, 64, 256); }

/// 2^−exponent·T, which is about 1 in size, without the rows of `alone`.
struct ScaledTridiagonal {
  std::vector<double> d;
  std::vector<double> squares;  // as sturm_counts takes them
  std::vector<double> alone;    // entries of T that are coupled to no other: eigenvalues, exactly
  int exponent = 0;
  double radius = 0;      // of an interval around 0 that holds all eigenvalues
  double resolution = 0;  // a bracket as narrow as that, relative to the radius or to x, is done
};

template <typename T>
ScaledTridiagonal scaled(std::span<const T> diagonal, std::span<const T> subdiagonal) {
  ScaledTridiagonal matrix;
  const std::size_t n = diagonal.size();
  double largest = 0;
  for (const T x : diagonal) largest = std::max(largest, std::abs(static_cast<double>(x)));
  for (const T x : subdiagonal) largest = std::max(largest, std::abs(static_cast<double>(x)));
  if (largest > 0) matrix.exponent = std::ilogb(largest) + 1;
  const auto coupling = [&](std::size_t i) {  // of rows i − 1 and i
    if (i == 0 || i == n) return 0.0;
    return std::abs(std::ldexp(static_cast<double>(subdiagonal[i - 1]), -matrix.exponent));
  };
  for (std::size_t i = 0; i < n; ++i) {
    const auto entry = static_cast<double>(diagonal[i]);
    const double before = coupling(i);
    const double after = coupling(i + 1);
    if (before == 0 && after == 0) {
      matrix.alone.push_back(entry);
      continue;
    }
    const double d = std::ldexp(entry, -matrix.exponent);
    matrix.radius = std::max(matrix.radius, std::abs(d) + before + after);
    matrix.squares.push_back(matrix.d.empty() ? 0 : std::max(before * before, kLeastSquare));
    matrix.d.push_back(d);
  }
  matrix.radius *= 1 + 0x1p-40;
  // What follows is in float64 also for float32, in whose place a part of its rounding is enough.
  matrix.resolution = std::max(std::numeric_limits<double>::epsilon(),
                               static_cast<double>(std::numeric_limits<T>::epsilon()) / 16);
  return matrix;
}

/// One end of a bracket: the eigenvalues below it, and det(T − x I) = determinant · 2^exponent.
struct End {
  double x = 0;
  std::size_t below = 0;
  double determinant = 1;
  std::int64_t exponent = 0;
};

struct Bracket {
  End low;
  End high;
  // Of the interpolation, once it has begun: its first width, and steps since.
  double first_width = 0;
  int steps = 0;

  [[nodiscard]] std::size_t count() const { return high.below - low.below; }
  [[nodiscard]] double width() const { return high.x - low.x; }
  [[nodiscard]] double middle() const { return low.x + width() / 2; }
};

/// Where a straight line between the determinants meets zero, as a share of the width.
double secant_share(const Bracket& bracket) {
  constexpr std::int64_t kFar = 500;
  const std::int64_t difference =
      std::clamp(bracket.high.exponent - bracket.low.exponent, -kFar, kFar);
  const double high = std::ldexp(std::abs(bracket.high.determinant), static_cast<int>(difference));
  const double low = std::abs(bracket.low.determinant);
  return low + high > 0 ? low / (low + high) : 0.5;
}

/// The next point of a bracket with one eigenvalue: the middle, until det(T − x I) is nearly
/// straight in it; from then on the ITP step with κ₁ = 0.2 / first width, κ₂ = 2, n₀ = 1.
double next_point(Bracket& bracket, double tolerance) {
  constexpr double kStraight = 1.0 / 64;
  const double middle = bracket.middle();
  const double share = secant_share(bracket);
  if (bracket.first_width == 0) {
    if (share < kStraight || share > 1 - kStraight) return middle;
    bracket.first_width = bracket.width();
  }
  const double secant = bracket.low.x + share * bracket.width();
  const double side = std::copysign(1.0, middle - secant);
  // At least what closes a bracket whose end is the eigenvalue.
  const double nudge =
      std::max(0.75 * tolerance, 0.2 / bracket.first_width * bracket.width() * bracket.width());
  const double truncated = std::abs(middle - secant) >= nudge ? secant + side * nudge : middle;
  const int most = std::max(0, std::ilogb(bracket.first_width / tolerance) + 1) + 1;
  const double reach =
      std::max(0.0, std::ldexp(tolerance / 2, most - bracket.steps) - bracket.width() / 2);
  ++bracket.steps;
  return std::abs(truncated - middle) <= reach ? truncated : middle - side * reach;
}

/// Eigenvalues [first, last) of T, in ascending order.
class Search {
 public:
  Search(const ScaledTridiagonal& matrix, std::size_t first, std::size_t last)
      : matrix_(matrix), first_(first), last_(last), values_(last - first) {
    Bracket whole;
    whole.low.x = -matrix.radius;
    whole.high.x = matrix.radius;
    whole.high.below = matrix.d.size();
    keep(whole);
  }

  std::vector<double> run() {
    while (!open_.empty()) {
      choose_points();
      count_below();
      cut();
    }
    return values_;
  }

 private:
  [[nodiscard]] double tolerance(const Bracket& bracket) const {
    const double size = std::max(std::abs(bracket.low.x), std::abs(bracket.high.x));
    return matrix_.resolution * std::max(size, matrix_.radius / 8);
  }

  /// Takes a bracket that holds some of the eigenvalues: its values if it is narrow.
  void keep(const Bracket& bracket) {
    const std::size_t from = std::max(bracket.low.below, first_);
    const std::size_t to = std::min(bracket.high.below, last_);
    if (from >= to) return;
    const double middle = bracket.middle();
    const bool narrow = bracket.width() <= tolerance(bracket) || middle <= bracket.low.x ||
                        middle >= bracket.high.x;
    if (narrow) {
      for (std::size_t k = from; k < to; ++k) values_[k - first_] = middle;
    } else {
      open_.push_back(bracket);
    }
  }

  /// One point for each bracket; if there are fewer than a pass takes, several for those that hold
  /// several eigenvalues.
  void choose_points() {
    points_.clear();
    const std::size_t several = std::max<std::size_t>(1, kSturmPoints / open_.size());
    for (Bracket& bracket : open_) {
      if (bracket.count() == 1) {
        points_.push_back(next_point(bracket, tolerance(bracket)));
        continue;
      }
      const double step = bracket.width() / static_cast<double>(several + 1);
      for (std::size_t i = 1; i <= several; ++i) {
        points_.push_back(bracket.low.x + step * static_cast<double>(i));
      }
    }
  }

  void count_below() {
    ends_.clear();
    for (std::size_t first = 0; first < points_.size(); first += kSturmPoints) {
      const std::size_t count = std::min(kSturmPoints, points_.size() - first);
      std::array<double, kSturmPoints> x;
      x.fill(points_[first]);
      std::copy_n(points_.begin() + static_cast<std::ptrdiff_t>(first), count, x.begin());
      sturm_counts(matrix_.d, matrix_.squares, x.data(), counts_);
      for (std::size_t i = 0; i < count; ++i) {
        ends_.push_back({x[i], counts_.below[i], counts_.determinant[i], counts_.exponent[i]});
      }
    }
  }

  void cut() {
    cut_.swap(open_);
    open_.clear();
    const std::size_t several = std::max<std::size_t>(1, kSturmPoints / cut_.size());
    auto end = ends_.begin();
    for (const Bracket& bracket : cut_) {
      Bracket part = bracket;
      const std::size_t points = bracket.count() == 1 ? 1 : several;
      for (std::size_t i = 0; i < points; ++i, ++end) {
        // Counts that rounding put out of order
        end->below = std::clamp(end->below, part.low.below, bracket.high.below);
        part.high = *end;
        keep(part);
        part.low = *end;
      }
      part.high = bracket.high;
      keep(part);
    }
  }

  const ScaledTridiagonal& matrix_;
  std::size_t first_;
  std::size_t last_;
  std::vector<double> values_;
  std::vector<Bracket> open_;
  std::vector<Bracket> cut_;
  std::vector<double> points_;
  std::vector<End> ends_;
  SturmCounts counts_;
};

}  // namespace

template <typename T>
std::vector<double> tridiagonal_values(std::span<const T> diagonal, std::span<const T> subdiagonal,
                                       const Control& control) {
  control.report("tridiagonal", 0, static_cast<double>(diagonal.size()));
  const ScaledTridiagonal matrix = scaled(diagonal, subdiagonal);
  const std::size_t n = matrix.d.size();
  const std::size_t group = group_of(n);
  std::vector<double> values(n);
  std::atomic<std::size_t> found = 0;
  parallel_for(control, (n + group - 1) / group, [&](std::size_t task) {
    const std::size_t first = task * group;
    const std::size_t last = std::min(n, first + group);
    std::ranges::transform(Search(matrix, first, last).run(),
                           values.begin() + static_cast<std::ptrdiff_t>(first),
                           [&](double x) { return std::ldexp(x, matrix.exponent); });
    found += last - first;
    control.report("tridiagonal", static_cast<double>(found), static_cast<double>(n));
  });
  values.insert(values.end(), matrix.alone.begin(), matrix.alone.end());
  std::ranges::sort(values);  // groups meet at values that are equal to rounding
  control.report("tridiagonal", static_cast<double>(n), static_cast<double>(n));
  return values;
}

template std::vector<double> tridiagonal_values<double>(std::span<const double>,
                                                        std::span<const double>, const Control&);
template std::vector<double> tridiagonal_values<float>(std::span<const float>,
                                                       std::span<const float>, const Control&);

}  // namespace eigenscape
