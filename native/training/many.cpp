#include "training/many.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>

#include "core/thread_pool.hpp"

namespace eigenscape {
namespace {

/// What one thread needs for one run after the other.
template <typename T>
struct Lane {
  Lane(const Graph& graph, const Samples<T>& samples, const StepPlan& steps)
      : descent(graph, samples, Array<T>(graph.parameter_count()), {}, 0),
        plan(steps),
        gradient(graph.parameter_count()) {}

  Descent<T> descent;
  StepPlan plan;
  Array<T> gradient;
  GradientWorkspaces<T> workspaces;
};

/// L and ‖∇L‖₂ over all data where a run ended.
template <typename T>
void measure(const Graph& graph, const Samples<T>& samples, Lane<T>& lane, const Control& alone,
             RunOutcome& outcome) {
  try {
    outcome.loss = evaluate_gradient<T>(graph, lane.descent.theta(), samples, {0, samples.count},
                                        lane.gradient, lane.workspaces, alone);
    outcome.gradient_norm = norm_of<T>(lane.gradient, alone);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::numeric) throw;
    outcome.loss = outcome.gradient_norm = std::numeric_limits<double>::quiet_NaN();
  }
}

/// Takes the steps of one run; `control` is that of all runs, `alone` that of one thread.
template <typename T>
RunOutcome run_one(Lane<T>& lane, const Control& control, const Control& alone) {
  RunOutcome outcome;
  try {
    const StepOutcome taken = lane.descent.run(
        lane.plan, alone, [&](std::span<const T> /*theta*/, std::uint64_t) { control.check(); });
    outcome.steps = taken.steps;
    outcome.end = taken.stopped ? RunEnd::gradient_norm : RunEnd::steps;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::numeric) throw;
    // The last update was taken back.
    outcome.steps = std::max<std::uint64_t>(lane.descent.updates(), 1) - 1;
    outcome.end = RunEnd::diverged;
    outcome.message = error.what();
  }
  return outcome;
}

}  // namespace

template <typename T>
std::vector<RunOutcome> train_many(const Graph& graph, const Samples<T>& samples,
                                   const StepPlan& plan, std::span<T> points,
                                   const Control& control) {
  const std::size_t size = graph.parameter_count();
  const std::size_t count = points.size() / size;
  const Control alone(&control);
  std::vector<RunOutcome> outcomes(count);
  Workspaces<Lane<T>> lanes;
  std::atomic<std::size_t> done = 0;
  parallel_for(control, count, [&](std::size_t run) {
    auto lane = lanes.take([&] { return std::make_unique<Lane<T>>(graph, samples, plan); });
    const std::span<T> theta = points.subspan(run * size, size);
    lane->descent.restart(theta);
    lane->plan.order.seed = plan.order.seed + run;
    outcomes[run] = run_one(*lane, control, alone);
    std::copy_n(lane->descent.theta().data(), size, theta.data());
    measure(graph, samples, *lane, alone, outcomes[run]);
    lanes.give_back(std::move(lane));
    control.report("training", static_cast<double>(++done), static_cast<double>(count));
  });
  return outcomes;
}

template std::vector<RunOutcome> train_many<double>(const Graph&, const Samples<double>&,
                                                    const StepPlan&, std::span<double>,
                                                    const Control&);
template std::vector<RunOutcome> train_many<float>(const Graph&, const Samples<float>&,
                                                   const StepPlan&, std::span<float>,
                                                   const Control&);

}  // namespace eigenscape
