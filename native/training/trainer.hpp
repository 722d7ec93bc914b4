// Training a network that others may read meanwhile: they see it at whole, finite steps.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "network/network.hpp"
#include "training/descent.hpp"

namespace eigenscape {

template <typename T>
class Trainer {
 public:
  /// Goes on from the network's parameters with copies of these moments; `updates` were made on
  /// them.
  Trainer(std::shared_ptr<Network<T>> network, std::shared_ptr<const Samples<T>> samples,
          std::vector<Parameters<T>> moments, std::uint64_t updates);

  /// Takes the steps of the plan. However it ends, the network is left after a whole step.
  /// Throws ErrorCode::busy while another call is at work on the same trainer.
  StepOutcome run(const StepPlan& plan, const Control& control);
  /// The same for one step, whose loss and gradient come from elsewhere.
  StepOutcome take(const StepPlan& plan, double loss, std::span<const T> gradient,
                   const Control& control);

  /// Copies the moments, as many as there are arrays [M]. Throws ErrorCode::busy likewise.
  void copy_moments(std::span<const std::span<T>> arrays);

  /// While this is so, nothing below may be read.
  [[nodiscard]] bool at_work() const { return at_work_; }
  [[nodiscard]] std::size_t parameter_count() const { return network_->graph()->parameter_count(); }
  [[nodiscard]] std::vector<std::span<const T>> moments() const;
  [[nodiscard]] std::uint64_t updates() const {
    return descent_ ? descent_->updates() : first_updates_;
  }

 private:
  /// What `action` does to the descent, shown to readers of the network however it ends.
  template <typename Action>
  StepOutcome descend(const Control& control, const Action& action);
  /// Shows readers of the network θ, in one of two copies by turns.
  void publish(std::span<const T> theta, const Control& control);

  std::shared_ptr<Network<T>> network_;
  std::shared_ptr<const Samples<T>> samples_;
  // What the first call begins with: whoever makes a trainer does not wait for its arrays.
  std::vector<Parameters<T>> first_moments_;
  std::uint64_t first_updates_;
  std::optional<Descent<T>> descent_;
  std::shared_ptr<Array<T>> published_;
  std::shared_ptr<Array<T>> spare_;
  std::atomic<bool> at_work_ = false;
};

}  // namespace eigenscape
