#include "training/trainer.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "core/parallel_copy.hpp"

namespace eigenscape {
namespace {

using Clock = std::chrono::steady_clock;

/// How long readers of the network may see an old step.
constexpr auto kPublishEvery = std::chrono::milliseconds(20);

/// Claims the trainer for one call.
class Claim {
 public:
  explicit Claim(std::atomic<bool>& at_work) : at_work_(at_work) {
    if (at_work_.exchange(true)) throw Error(ErrorCode::busy, "the trainer is at work");
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  ~Claim() { at_work_ = false; }

 private:
  std::atomic<bool>& at_work_;
};

}  // namespace

template <typename T>
template <typename Action>
StepOutcome Trainer<T>::descend(const Control& control, const Action& action) {
  const Claim claim(at_work_);
  if (!descent_) {
    Moments<T> copies;
    for (const Parameters<T>& moment : first_moments_) copies.push_back(*moment);
    first_moments_.clear();
    descent_.emplace(*network_->graph(), *samples_, Array<T>(*network_->parameters()),
                     std::move(copies), first_updates_);
  }
  // Of the same threads, but done to the end after an abort too.
  const Control whole(control.threads(), {});
  const auto leave = [&] { publish(descent_->theta(), whole); };
  StepOutcome outcome;
  try {
    outcome = action(*descent_);
  } catch (...) {
    leave();
    throw;
  }
  leave();
  return outcome;
}

template <typename T>
Trainer<T>::Trainer(std::shared_ptr<Network<T>> network, std::shared_ptr<const Samples<T>> samples,
                    std::vector<Parameters<T>> moments, std::uint64_t updates)
    : network_(std::move(network)),
      samples_(std::move(samples)),
      first_moments_(std::move(moments)),
      first_updates_(updates) {}

template <typename T>
void Trainer<T>::publish(std::span<const T> theta, const Control& control) {
  // Of the older copy only readers that took it before are left, and none can come.
  const bool read = spare_ == nullptr || spare_.use_count() > 1;
  std::atomic_thread_fence(std::memory_order_acquire);
  if (read) spare_ = std::make_shared<Array<T>>();
  spare_->resize(theta.size());
  copy_in_parallel(std::as_bytes(theta), std::as_writable_bytes(std::span(*spare_)), control);
  network_->set_parameters(spare_);
  published_.swap(spare_);
}

template <typename T>
StepOutcome Trainer<T>::run(const StepPlan& plan, const Control& control) {
  auto last = Clock::now();
  const auto watch = [&](std::span<const T> theta, std::uint64_t step) {
    const auto now = Clock::now();
    if (now - last < kPublishEvery) return;
    last = now;
    publish(theta, control);
    if (step == plan.first_step) return;
    control.report("training", static_cast<double>(step),
                   static_cast<double>(plan.first_step + plan.steps));
  };
  return descend(control, [&](Descent<T>& descent) { return descent.run(plan, control, watch); });
}

template <typename T>
StepOutcome Trainer<T>::take(const StepPlan& plan, double loss, std::span<const T> gradient,
                             const Control& control) {
  return descend(control,
                 [&](Descent<T>& descent) { return descent.take(plan, loss, gradient, control); });
}

template <typename T>
void Trainer<T>::copy_moments(std::span<const std::span<T>> arrays) {
  const Claim claim(at_work_);
  const auto held = moments();
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    std::copy(held[i].begin(), held[i].end(), arrays[i].begin());
  }
}

template <typename T>
std::vector<std::span<const T>> Trainer<T>::moments() const {
  std::vector<std::span<const T>> spans;
  if (descent_) {
    for (const Array<T>& moment : descent_->moments()) spans.emplace_back(moment);
  } else {
    for (const Parameters<T>& moment : first_moments_) spans.emplace_back(*moment);
  }
  return spans;
}

template class Trainer<double>;
template class Trainer<float>;

}  // namespace eigenscape
