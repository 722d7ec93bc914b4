#include "training/trainer.hpp"

#include <chrono>

namespace eigenscape {
namespace {

using Clock = std::chrono::steady_clock;

/// How long readers of the network may see an old step.
constexpr auto kPublishEvery = std::chrono::milliseconds(20);

/// Holds the trainer for one call, and publishes on every way out.
template <typename T>
class Hold {
 public:
  Hold(Network<T>& network, Descent<T>& descent, std::atomic<bool>& at_work)
      : network_(network), descent_(descent), at_work_(at_work) {
    if (at_work_.exchange(true)) throw Error(ErrorCode::busy, "the trainer is at work");
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    descent_.settle();
    network_.set_parameters(descent_.theta());
    at_work_ = false;
  }

 private:
  Network<T>& network_;
  Descent<T>& descent_;
  std::atomic<bool>& at_work_;
};

}  // namespace

template <typename T>
Trainer<T>::Trainer(std::shared_ptr<Network<T>> network, std::shared_ptr<const Samples<T>> samples,
                    Moments<T> moments, std::uint64_t updates)
    : network_(std::move(network)),
      samples_(std::move(samples)),
      descent_(*network_->graph(), *samples_, network_->parameters(), std::move(moments), updates) {
}

template <typename T>
StepOutcome Trainer<T>::run(const StepPlan& plan, const Control& control) {
  const Hold<T> hold(*network_, descent_, at_work_);
  auto last = Clock::now();
  return descent_.run(plan, control, [&](std::span<const T> theta, std::uint64_t step) {
    const auto now = Clock::now();
    if (now - last < kPublishEvery) return;
    last = now;
    network_->set_parameters(theta);
    if (step == plan.first_step) return;
    control.report("training", static_cast<double>(step),
                   static_cast<double>(plan.first_step + plan.steps));
  });
}

template <typename T>
StepOutcome Trainer<T>::take(const StepPlan& plan, double loss, std::span<const T> gradient) {
  const Hold<T> hold(*network_, descent_, at_work_);
  return descent_.take(plan, loss, gradient);
}

template class Trainer<double>;
template class Trainer<float>;

}  // namespace eigenscape
