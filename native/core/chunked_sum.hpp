// The one loop of the library: a sum over chunks of samples.
//
// The samples are cut into chunks, the chunks into `partials` runs of neighbours. Each run is added
// up in order by one thread; the runs are then added in order. All three numbers depend on the
// problem alone, so the result has the same bits on any number of threads.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/control.hpp"
#include "core/thread_pool.hpp"

namespace eigenscape {

struct SumPlan {
  std::size_t samples = 0;
  std::size_t chunk = 0;     // samples per chunk; the last one may be shorter
  std::size_t chunks = 0;    // = ⌈samples / chunk⌉
  std::size_t partials = 0;  // runs of chunks, each a partial sum
};

/// Below this, products of a chunk are too thin for BLAS.
inline constexpr std::size_t kSmallestChunk = 32;

/// Chunks whose arrays stay in the second-level cache: `bytes_per_sample` is what one sample holds.
inline SumPlan plan_sum(std::size_t samples, std::size_t bytes_per_sample,
                        std::size_t smallest = kSmallestChunk) {
  constexpr std::size_t kCacheShare = std::size_t{1} << 20;
  constexpr std::size_t kLargest = 256;
  constexpr std::size_t kPartials = 16;
  const std::size_t fitting = kCacheShare / std::max<std::size_t>(bytes_per_sample, 1);
  const std::size_t wanted = std::clamp(fitting, std::min(smallest, kLargest), kLargest);
  const std::size_t chunks = std::max<std::size_t>(1, (samples + wanted - 1) / wanted);
  const std::size_t chunk = (samples + chunks - 1) / chunks;
  const std::size_t filled = chunk == 0 ? 0 : (samples + chunk - 1) / chunk;
  return {samples, chunk, filled, std::min(filled, kPartials)};
}

struct Chunk {
  std::size_t first;
  std::size_t count;
};

/// Scratch memory that loops borrow, as many pieces as there are threads at work.
template <typename W>
class Workspaces {
 public:
  template <typename Make>
  std::unique_ptr<W> take(const Make& make) {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return make();
    auto workspace = std::move(free_.back());
    free_.pop_back();
    return workspace;
  }
  void give_back(std::unique_ptr<W> workspace) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(workspace));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<W>> free_;
};

/// Adds up partial sums in their order while later ones are still being computed.
template <typename Sum, typename Total = Sum>
class OrderedSum {
 public:
  OrderedSum(Total& total, std::size_t ahead) : total_(total), ahead_(ahead) {}

  /// Waits until partial `index` is at most `ahead` places before the one that is due, so that
  /// the sums in memory stay few; false once the loop has failed.
  bool wait_for_turn(std::size_t index) {
    std::unique_lock lock(mutex_);
    turn_.wait(lock, [&] { return stopped_ || index < due_ + ahead_; });
    return !stopped_;
  }
  void add(std::size_t index, Sum partial) {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    waiting_.emplace(index, std::move(partial));
    while (!waiting_.empty() && waiting_.begin()->first == due_) {
      total_.add(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      ++due_;
    }
    turn_.notify_all();
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    turn_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable turn_;
  std::map<std::size_t, Sum> waiting_;
  Total& total_;
  std::size_t ahead_;
  std::size_t due_ = 0;
  bool stopped_ = false;
};

/// Adds Σ over chunks to the total. `make_sum()` gives an empty sum, `body(chunk, sum)` adds one
/// chunk to it, and total.add(const Sum&) hears the sums in their order, none where there are no
/// chunks.
template <typename Total, typename MakeSum, typename Body>
void chunked_sum(const SumPlan& plan, const Control& control, Total& total, const MakeSum& make_sum,
                 const Body& body) {
  using Sum = std::invoke_result_t<MakeSum>;
  OrderedSum<Sum, Total> ordered(total, control.threads() + 1);
  const auto run_partial = [&](std::size_t index) {
    if (!ordered.wait_for_turn(index)) return;
    Sum sum = make_sum();
    const std::size_t first = index * plan.chunks / plan.partials;
    const std::size_t last = (index + 1) * plan.chunks / plan.partials;
    for (std::size_t c = first; c < last; ++c) {
      control.check();
      const std::size_t start = c * plan.chunk;
      body(Chunk{start, std::min(plan.chunk, plan.samples - start)}, sum);
    }
    control.check();
    ordered.add(index, std::move(sum));
  };
  parallel_for(control, plan.partials, [&](std::size_t index) {
    try {
      run_partial(index);
    } catch (...) {
      ordered.stop();
      throw;
    }
  });
}

}  // namespace eigenscape
