#include "training/descent.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <sstream>
#include <string>

#include "core/parallel_copy.hpp"

namespace eigenscape {
namespace {

/// Entries that one thread takes at once, of what it only reads.
constexpr std::size_t kPiece = std::size_t{1} << 17U;

/// From eight partial sums, so that it runs in vectors.
template <typename T>
double sum_of_squares(std::span<const T> entries) {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> sums{};
  const std::size_t whole = entries.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto g = static_cast<double>(entries[i + lane]);
      sums[lane] += g * g;
    }
  }
  for (std::size_t i = whole; i < entries.size(); ++i) {
    const auto g = static_cast<double>(entries[i]);
    sums[0] += g * g;
  }
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

std::string number(double value) {
  std::ostringstream text;
  text.precision(4);
  text << value;
  return text.str();
}

}  // namespace

template <typename T>
double norm_of(std::span<const T> gradient, const Control& control) {
  if (gradient.size() <= kPiece) return std::sqrt(sum_of_squares<T>(gradient));
  std::vector<double> sums((gradient.size() + kPiece - 1) / kPiece);
  for_pieces(gradient.size(), kPiece, control, [&](std::size_t first, std::size_t count) {
    sums[first / kPiece] = sum_of_squares<T>(gradient.subspan(first, count));
  });
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

template <typename T>
Descent<T>::Descent(const Graph& graph, const Samples<T>& samples, Array<T> theta,
                    Moments<T> moments, std::uint64_t updates)
    : graph_(graph),
      samples_(samples),
      theta_(std::move(theta)),
      before_(theta_.size()),
      moments_(std::move(moments)),
      updates_(updates),
      gradient_(theta_.size()) {}

template <typename T>
void Descent<T>::restart(std::span<const T> theta) {
  std::copy(theta.begin(), theta.end(), theta_.begin());
  for (Array<T>& moment : moments_) std::fill(moment.begin(), moment.end(), T{0});
  moved_ = false;
  updates_ = 0;
}

template <typename T>
void Descent<T>::start(const StepPlan& plan) {
  if (plan.order.samples != samples_.count) {
    throw Error(ErrorCode::internal, "the batches are not those of the data");
  }
  if (!(picker_.order() == plan.order)) picker_ = BatchPicker(plan.order);
  const std::size_t wanted = moment_count(plan.rule);
  if (moments_.size() == wanted) return;
  moments_.assign(wanted, Array<T>(theta_.size(), T{0}));
  updates_ = 0;
}

template <typename T>
StepOutcome Descent<T>::take(const StepPlan& plan, double loss, std::span<const T> gradient,
                             const Control& control) {
  start(plan);
  std::copy(gradient.begin(), gradient.end(), gradient_.begin());
  StepOutcome outcome;
  outcome.loss = loss;
  outcome.gradient_norm = check_gradient(plan.first_step, loss, control);
  move(plan, outcome, control);
  return outcome;
}

template <typename T>
double Descent<T>::evaluate(const StepPlan& plan, std::uint64_t step, const Control& control) {
  const Batch batch = picker_.at(step - plan.phase_start);
  try {
    if (batch.indices.empty()) {
      return evaluate_gradient<T>(graph_, theta_, samples_, batch.range, gradient_, workspaces_,
                                  control);
    }
    const Samples<T>& gathered = batch_.gather(samples_, batch.indices, control);
    return evaluate_gradient<T>(graph_, theta_, gathered, {0, gathered.count}, gradient_,
                                workspaces_, control);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::numeric) throw;
    diverged(step, "the network's outputs for the batch, and so its loss, are not finite");
  }
}

template <typename T>
double Descent<T>::check_gradient(std::uint64_t step, double loss, const Control& control) {
  const double norm = norm_of<T>(gradient_, control);
  // The norm of finite entries may overflow too: what follows would be as useless.
  if (!std::isfinite(norm) || !std::isfinite(loss)) {
    diverged(step, "the gradient is not finite, where the loss of the batch is " + number(loss));
  }
  last_loss_ = loss;
  return norm;
}

template <typename T>
void Descent<T>::move(const StepPlan& plan, StepOutcome& outcome, const Control& control) {
  if (outcome.gradient_norm <= plan.stop_at_gradient_norm) {
    outcome.stopped = true;
    return;
  }
  // Nothing cancels it half-way: moments have no copies to go back to.
  const Control whole(control.threads(), {});
  const bool finite = update<T>(plan.rule, plan.learning_rate(outcome.steps), updates_, gradient_,
                                moments_, theta_, before_, whole);
  std::swap(theta_, before_);
  moved_ = true;
  ++updates_;
  ++outcome.steps;
  if (!finite) diverged(plan.first_step + outcome.steps, "the parameters are not finite");
}

template <typename T>
void Descent<T>::diverged(std::uint64_t step, const std::string& what) {
  const std::string at = std::to_string(step);
  if (!moved_) {
    throw Error(ErrorCode::numeric, "training cannot go on from step " + at + ": " + what +
                                        "; the network is as it was");
  }
  step_back();
  const std::string left = std::to_string(step - 1);
  throw Error(ErrorCode::numeric, "training diverged at step " + at + ": " + what +
                                      "; the network is left after step " + left +
                                      ", where the loss of the batch was " + number(last_loss_) +
                                      "; a smaller learning rate may help");
}

template <typename T>
void Descent<T>::step_back() {
  std::swap(theta_, before_);
  moved_ = false;
}

template double norm_of<double>(std::span<const double>, const Control&);
template double norm_of<float>(std::span<const float>, const Control&);
template class Descent<double>;
template class Descent<float>;

}  // namespace eigenscape
