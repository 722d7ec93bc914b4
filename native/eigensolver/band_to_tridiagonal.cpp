#include "eigensolver/band_to_tridiagonal.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/step_counter.hpp"
#include "core/thread_pool.hpp"
#include "core/vector.hpp"
#include "eigensolver/band_kernels.hpp"
#include "eigensolver/reflector.hpp"

namespace eigenscape {
namespace {

/// Sweeps per task: their blocks, a block apart, fill half of a second-level cache of 1 MiB.
constexpr std::size_t kGroup = 8;
/// Blocks between the last sweep of a group and the first of the next: what two steps touch, the
/// vectors' ends included, is then disjoint.
constexpr std::size_t kGap = 3;
constexpr std::size_t kWidestBand = 128;
constexpr std::size_t kDone = std::numeric_limits<std::uint32_t>::max();

template <typename T>
constexpr std::size_t kWindow = kWidestBand + kLanes<T>;

/// Entries of a step's window: [0, before) zero, the vector's length, zeros to the end.
template <typename T>
using Window = std::array<T, kWindow<T>>;

/// A sweep on its way: the reflector that its next step applies, on rows and columns [c, c +
/// length).
template <typename T>
struct Sweep {
  alignas(64) Window<T> v{};
  T tau = 0;
  std::size_t index = 0;
  std::size_t c = 0;
  std::size_t length = 0;
};

/// A group that its thread leaves, done or cancelled: nobody is to wait for it any more.
class Leaving {
 public:
  explicit Leaving(StepCounter& progress) : progress_(progress) {}
  Leaving(const Leaving&) = delete;
  Leaving& operator=(const Leaving&) = delete;
  ~Leaving() { progress_.set(kDone); }

 private:
  StepCounter& progress_;
};

template <typename T>
class Chase {
 public:
  Chase(BandMatrix<T>& band, BulgeReflectors<T>* kept, const Control& control)
      : band_(band),
        kept_(kept),
        n_(band.order()),
        b_(band.width()),
        vectors_(b_ / kLanes<T> + 1),
        control_(control),
        sweeps_(n_ > 2 ? n_ - 2 : 0),
        progress_((sweeps_ + kGroup - 1) / kGroup) {}

  void run() {
    control_.report("band to tridiagonal", 0, 1);
    parallel_for(control_, progress_.size(), [&](std::size_t group) {
      chase_group(group);
      const double left =
          1 - static_cast<double>((group + 1) * kGroup) / static_cast<double>(n_ + kGroup);
      control_.report("band to tridiagonal", 1 - left * left, 1);
    });
    control_.report("band to tridiagonal", 1, 1);
  }

 private:
  [[nodiscard]] std::size_t blocks(std::size_t sweep) const {
    return (n_ - sweep - 1 + b_ - 1) / b_;
  }

  void chase_group(std::size_t group) {
    const std::size_t first = group * kGroup;
    const std::size_t count = std::min(kGroup, sweeps_ - first);
    std::array<Sweep<T>, kGroup> sweeps;
    const Leaving leaving(progress_[group]);
    for (std::size_t position = 0; position < blocks(first) + count - 1; ++position) {
      wait_for_previous(group, position + kGap + kGroup - 1);
      for (std::size_t i = 0; i < std::min(count, position + 1); ++i) {
        if (position - i == 0) start(first + i, sweeps[i]);
        if (position - i < blocks(first + i)) step(sweeps[i]);
      }
      progress_[group].set(position + 1);
    }
  }

  void wait_for_previous(std::size_t group, std::size_t position) {
    if (group > 0) progress_[group - 1].wait_for(position);
    control_.check();  // the one before may have left for the same reason
  }

  /// Zeroes column s below its subdiagonal.
  void start(std::size_t s, Sweep<T>& sweep) {
    sweep.index = s;
    sweep.c = s + 1;
    sweep.length = std::min(b_, n_ - sweep.c);
    const std::size_t before = sweep.c % kLanes<T>;
    sweep.v.fill(0);
    T* const x = sweep.v.data() + before;
    for (std::size_t r = 0; r < sweep.length; ++r) x[r] = band_.at(sweep.c + r, s);
    const Reflection<T> h = make_reflector(sweep.length, x);
    sweep.tau = h.tau;
    band_.at(sweep.c, s) = h.beta;
    for (std::size_t r = 1; r < sweep.length; ++r) band_.at(sweep.c + r, s) = 0;
    if (kept_ != nullptr) kept_->keep(s, sweep.c, sweep.length, x, h.tau);
  }

  void step(Sweep<T>& sweep) {
    const std::size_t c = sweep.c;
    const std::size_t before = c % kLanes<T>;
    if (sweep.tau != 0) {
      const BandBlock<T> d{&band_.at(c, c - before), band_.step(), sweep.length, before,
                           sweep.length};
      reflect_block(vectors_, d, sweep.tau, sweep.v.data());
    }
    const std::size_t below = c + sweep.length;
    if (below < n_) chase(sweep, below, std::min(b_, n_ - below));
  }

  /// The block below, of rows [below, below + rows); the sweep goes on with its reflector.
  void chase(Sweep<T>& sweep, std::size_t below, std::size_t rows) {
    const std::size_t c = sweep.c;
    const std::size_t before = c % kLanes<T>;
    const std::size_t next_before = below % kLanes<T>;
    const BandBlock<T> b{&band_.at(below, c - before), band_.step(), rows, before, sweep.length};
    const Reflection<T> h = chase_block(vectors_, b, sweep.tau, sweep.v.data(), next_before);
    // Its first row is the last of the next sweep's diagonal block, whose other half is kept too.
    for (std::size_t i = c + 1; i < below; ++i) band_.at(i, below) = band_.at(below, i);
    if (kept_ != nullptr) {
      kept_->keep(sweep.index, below, rows, sweep.v.data() + next_before, h.tau);
    }
    sweep.tau = h.tau;
    sweep.c = below;
    sweep.length = rows;
  }

  BandMatrix<T>& band_;
  BulgeReflectors<T>* kept_;
  std::size_t n_;
  std::size_t b_;
  std::size_t vectors_;
  const Control& control_;
  std::size_t sweeps_;
  std::vector<StepCounter> progress_;  // [groups] positions done
};

std::size_t row_step(std::size_t width, std::size_t lanes) { return 3 * width + 32 + lanes; }

std::size_t entry_count(std::size_t n, std::size_t width, std::size_t lanes) {
  return n * (row_step(width, lanes) + 1) + 2 * kWidestBand;
}

}  // namespace

template <typename T>
BandMatrix<T>::BandMatrix(std::size_t n, std::size_t width)
    : n_(n),
      b_(width),
      step_(row_step(width, kLanes<T>)),
      entries_(entry_count(n, width, kLanes<T>)) {
  entries_.zero();
}

template <typename T>
void band_to_tridiagonal(BandMatrix<T>& band, std::span<T> diagonal, std::span<T> subdiagonal,
                         BulgeReflectors<T>* kept, const Control& control) {
  Chase<T>(band, kept, control).run();
  for (std::size_t i = 0; i < band.order(); ++i) diagonal[i] = band.at(i, i);
  for (std::size_t i = 0; i + 1 < band.order(); ++i) subdiagonal[i] = band.at(i + 1, i);
}

std::size_t band_to_tridiagonal_workspace(std::size_t n, std::size_t width,
                                          std::size_t entry_bytes) {
  return entry_count(n, width, 64 / entry_bytes) * entry_bytes + n;
}

template class BandMatrix<double>;
template class BandMatrix<float>;
template void band_to_tridiagonal<double>(BandMatrix<double>&, std::span<double>, std::span<double>,
                                          BulgeReflectors<double>*, const Control&);
template void band_to_tridiagonal<float>(BandMatrix<float>&, std::span<float>, std::span<float>,
                                         BulgeReflectors<float>*, const Control&);

}  // namespace eigenscape
