#include "training/sgd.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "core/instruction_sets.hpp"
#include "network/gradient.hpp"

namespace eigenscape {
namespace {

using Clock = std::chrono::steady_clock;

/// How long readers of the network may see an old step.
constexpr auto kPublishEvery = std::chrono::milliseconds(20);

/// ‖g‖₂ from eight partial sums, so that it runs in vectors.
template <typename T>
double norm_of(std::span<const T> gradient) {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> sums{};
  const std::size_t whole = gradient.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto g = static_cast<double>(gradient[i + lane]);
      sums[lane] += g * g;
    }
  }
  for (std::size_t i = whole; i < gradient.size(); ++i) {
    const auto g = static_cast<double>(gradient[i]);
    sums[0] += g * g;
  }
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

template <typename T>
[[gnu::always_inline]] inline void update_all(const SgdPlan& plan, std::span<const T> gradient,
                                              std::span<T> velocity, std::span<T> theta) {
  const auto eta = static_cast<T>(plan.learning_rate);
  const auto mu = static_cast<T>(plan.momentum);
  const auto lambda = static_cast<T>(plan.weight_decay);
  for (std::size_t i = 0; i < theta.size(); ++i) {
    T step = gradient[i];
    if (lambda != 0) step += lambda * theta[i];
    if (mu != 0) {
      velocity[i] = mu * velocity[i] + step;
      step = plan.nesterov ? step + mu * velocity[i] : velocity[i];
    }
    theta[i] -= eta * step;
  }
}

EIGENSCAPE_INSTRUCTION_SETS
void update(const SgdPlan& plan, std::span<const double> gradient, std::span<double> velocity,
            std::span<double> theta) {
  update_all(plan, gradient, velocity, theta);
}
EIGENSCAPE_INSTRUCTION_SETS
void update(const SgdPlan& plan, std::span<const float> gradient, std::span<float> velocity,
            std::span<float> theta) {
  update_all(plan, gradient, velocity, theta);
}

/// Publishes on every way out, so that an abort keeps the last whole step.
template <typename T>
class Publisher {
 public:
  Publisher(Network<T>& network, std::span<const T> theta) : network_(network), theta_(theta) {}
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  ~Publisher() { network_.set_parameters(theta_); }

  bool publish_if_due() {
    const auto now = Clock::now();
    if (now - last_ < kPublishEvery) return false;
    network_.set_parameters(theta_);
    last_ = now;
    return true;
  }

 private:
  Network<T>& network_;
  std::span<const T> theta_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace

template <typename T>
SgdOutcome run_sgd(Network<T>& network, const Samples<T>& samples, const SgdPlan& plan,
                   std::span<T> velocity, const Control& control) {
  const Graph& graph = *network.graph();
  std::vector<T> theta = network.parameters();
  std::vector<T> gradient(theta.size());
  GradientWorkspaces<T> workspaces;
  Publisher<T> publisher(network, theta);
  SgdOutcome outcome;
  const std::size_t batches = (samples.count + plan.batch - 1) / plan.batch;
  for (std::uint64_t step = 0; step < plan.steps; ++step) {
    control.check();
    const std::size_t first =
        static_cast<std::size_t>((plan.first_step + step) % batches) * plan.batch;
    const std::size_t count = std::min(plan.batch, samples.count - first);
    outcome.loss =
        evaluate_gradient<T>(graph, theta, samples, {first, count}, gradient, workspaces, control);
    outcome.gradient_norm = norm_of<T>(gradient);
    if (!std::isfinite(outcome.gradient_norm)) {
      throw Error(ErrorCode::numeric, "the gradient is not finite at step " +
                                          std::to_string(plan.first_step + step) +
                                          "; a smaller learning rate may help");
    }
    if (outcome.gradient_norm <= plan.stop_at_gradient_norm) {
      outcome.stopped = true;
      break;
    }
    update(plan, std::span<const T>(gradient), velocity, std::span<T>(theta));
    ++outcome.steps;
    if (publisher.publish_if_due()) {
      control.report("training", static_cast<double>(plan.first_step + step + 1),
                     static_cast<double>(plan.first_step + plan.steps));
    }
  }
  return outcome;
}

template SgdOutcome run_sgd<double>(Network<double>&, const Samples<double>&, const SgdPlan&,
                                    std::span<double>, const Control&);
template SgdOutcome run_sgd<float>(Network<float>&, const Samples<float>&, const SgdPlan&,
                                   std::span<float>, const Control&);

}  // namespace eigenscape
