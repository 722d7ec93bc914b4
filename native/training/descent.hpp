// One run of training: its parameters, its moments, and how it takes steps. Knows one thread or
// many (through the Control) and no network that others read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/control.hpp"
#include "network/gradient.hpp"
#include "training/batch_order.hpp"
#include "training/optimizer.hpp"

namespace eigenscape {

/// A stretch of steps within one phase, under one rule.
struct StepPlan {
  UpdateRule rule;
  BatchOrder order;
  std::uint64_t phase_start = 0;       // the step at which the phase began: batches count from it
  std::uint64_t first_step = 0;        // steps taken before, in all
  std::uint64_t steps = 0;             // to take now
  std::vector<double> learning_rates;  // of each of the steps, or one for all of them
  double stop_at_gradient_norm = -1;  // stop before the step where ‖∇L_batch‖₂ is not above this

  [[nodiscard]] double learning_rate(std::uint64_t step) const {
    return learning_rates.size() == 1 ? learning_rates[0] : learning_rates[step];
  }
};

struct StepOutcome {
  std::uint64_t steps = 0;   // taken
  bool stopped = false;      // by the gradient norm
  double loss = 0;           // of the last batch seen, before its step
  double gradient_norm = 0;  // ‖∇L_batch‖₂ there
};

/// ‖g‖₂, whose bits do not depend on the threads.
template <typename T>
double norm_of(std::span<const T> gradient, const Control& control);

/// Not for two threads at once.
template <typename T>
class Descent {
 public:
  /// `updates` were made on these moments; an empty list means none yet.
  Descent(const Graph& graph, const Samples<T>& samples, Array<T> theta, Moments<T> moments,
          std::uint64_t updates);

  /// Begins a run from theta [M], with no updates made, in the memory of the one before.
  void restart(std::span<const T> theta);

  /// Takes the steps of the plan. `watch(θ, step)` hears the parameters after `step` steps, once
  /// their gradient was found finite. When it is not, or the last parameters are not, throws
  /// ErrorCode::numeric naming the step and the loss; θ is then that of the step before.
  template <typename Watch>
  StepOutcome run(const StepPlan& plan, const Control& control, const Watch& watch) {
    start(plan);
    StepOutcome outcome;
    while (outcome.steps < plan.steps && !outcome.stopped) {
      control.check();
      const std::uint64_t step = plan.first_step + outcome.steps;
      outcome.loss = evaluate(plan, step, control);
      outcome.gradient_norm = check_gradient(step, outcome.loss, control);
      watch(theta(), step);
      control.check();  // the update runs to its end
      move(plan, outcome, control);
    }
    return outcome;
  }
  /// The same for one step, whose loss and gradient come from elsewhere.
  StepOutcome take(const StepPlan& plan, double loss, std::span<const T> gradient,
                   const Control& control);

  [[nodiscard]] std::span<const T> theta() const { return theta_; }
  [[nodiscard]] const Moments<T>& moments() const { return moments_; }
  [[nodiscard]] std::uint64_t updates() const { return updates_; }

 private:
  void start(const StepPlan& plan);
  /// The loss and the gradient of the batch of a step.
  double evaluate(const StepPlan& plan, std::uint64_t step, const Control& control);
  double check_gradient(std::uint64_t step, double loss, const Control& control);
  /// One update, unless the gradient is small enough to stop.
  void move(const StepPlan& plan, StepOutcome& outcome, const Control& control);
  [[noreturn]] void diverged(std::uint64_t step, const std::string& what);
  void step_back();

  const Graph& graph_;
  const Samples<T>& samples_;
  Array<T> theta_;
  Array<T> before_;  // θ before the last update, once there was one
  bool moved_ = false;
  Moments<T> moments_;
  std::uint64_t updates_;
  double last_loss_ = 0;  // of the last step taken
  Array<T> gradient_;
  BatchPicker picker_{BatchOrder{}};
  GatheredBatch<T> batch_;
  GradientWorkspaces<T> workspaces_;
};

}  // namespace eigenscape
