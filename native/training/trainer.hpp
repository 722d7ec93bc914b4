// Training a network that others may read meanwhile: they see it at whole, finite steps.
#pragma once

#include <atomic>
#include <memory>

#include "network/network.hpp"
#include "training/descent.hpp"

namespace eigenscape {

template <typename T>
class Trainer {
 public:
  /// Goes on from the network's parameters with these moments; `updates` were made on them.
  Trainer(std::shared_ptr<Network<T>> network, std::shared_ptr<const Samples<T>> samples,
          Moments<T> moments, std::uint64_t updates);

  /// Takes the steps of the plan. However it ends, the network is left after a whole step.
  /// Throws ErrorCode::busy while another call is at work on the same trainer.
  StepOutcome run(const StepPlan& plan, const Control& control);
  /// The same for one step, whose loss and gradient come from elsewhere.
  StepOutcome take(const StepPlan& plan, double loss, std::span<const T> gradient);

  /// While this is so, nothing below may be read.
  [[nodiscard]] bool at_work() const { return at_work_; }
  [[nodiscard]] std::size_t parameter_count() const { return descent_.theta().size(); }
  [[nodiscard]] const Moments<T>& moments() const { return descent_.moments(); }
  [[nodiscard]] std::uint64_t updates() const { return descent_.updates(); }

 private:
  std::shared_ptr<Network<T>> network_;
  std::shared_ptr<const Samples<T>> samples_;
  Descent<T> descent_;
  std::atomic<bool> at_work_ = false;
};

}  // namespace eigenscape
