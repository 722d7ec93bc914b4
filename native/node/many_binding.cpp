// Many small problems over one set of data, whole problems per thread: spectra at many points, and
// training from them.

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>

#include "core/aligned_buffer.hpp"
#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "curvature/assembly.hpp"
#include "curvature/small_chain_matrix.hpp"
#include "eigensolver/dense_symmetric.hpp"
#include "network/gradient.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"
#include "node/step_plan.hpp"
#include "training/many.hpp"

namespace eigenscape::node {
namespace {

/// Unit vectors at once where a matrix comes by products.
constexpr std::size_t kBlock = 64;

/// A point whose numbers went beyond the type's range.
struct FailedPoint {
  std::size_t point;
  std::string message;
};

/// Points over one set of data, and what is asked at each.
template <typename T>
struct SpectraProblem {
  std::shared_ptr<const Graph> graph;
  std::shared_ptr<const Samples<T>> samples;
  std::vector<T> points;  // [count, M]
  std::size_t count;
  std::vector<Term> terms;

  [[nodiscard]] std::size_t size() const { return graph->parameter_count(); }
  [[nodiscard]] std::span<const T> point(std::size_t index) const {
    return std::span<const T>(points).subspan(index * size(), size());
  }
};

/// Rows of all points for one term.
struct TermSpectra {
  std::vector<double> eigenvalues;  // [count, M], NaN where a point failed
  std::vector<double> exact_zeros;  // [count], and so on
  std::vector<double> norms;
  std::vector<double> magnitudes;
};

struct Spectra {
  std::vector<TermSpectra> terms;
  std::vector<double> losses;
  double operations = 0;
  std::vector<FailedPoint> failed;
};

/// Works on one point after the other; one thread's.
template <typename T>
class SpectraWorker {
 public:
  virtual ~SpectraWorker() = default;
  SpectraWorker() = default;
  SpectraWorker(const SpectraWorker&) = delete;
  SpectraWorker& operator=(const SpectraWorker&) = delete;
  /// Overwrites `matrix` [M, M].
  virtual AssemblyScale assemble(Term term, std::span<const T> theta, std::span<T> matrix) = 0;
  /// L at the point of the last call.
  virtual double loss() = 0;

  AlignedBuffer<T> entries;
};

template <typename T>
class SmallChainWorker : public SpectraWorker<T> {
 public:
  explicit SmallChainWorker(const SmallChain<T>& chain) : matrix_(chain) {}
  AssemblyScale assemble(Term term, std::span<const T> theta, std::span<T> matrix) override {
    return matrix_.assemble(term, theta, matrix);
  }
  double loss() override { return matrix_.loss(); }

 private:
  SmallChainMatrix<T> matrix_;
};

/// Any network, by the ways of one operator.
template <typename T>
class OperatorWorker : public SpectraWorker<T> {
 public:
  OperatorWorker(const SpectraProblem<T>& problem, const Control& control)
      : problem_(problem), control_(control) {}
  AssemblyScale assemble(Term term, std::span<const T> theta, std::span<T> matrix) override {
    const Operator<T> curvature(problem_.graph,
                                std::make_shared<Array<T>>(theta.begin(), theta.end()),
                                problem_.samples, term);
    theta_ = theta;
    return eigenscape::assemble<T>(curvature, choose_route(curvature), kBlock, matrix, control_);
  }
  double loss() override {
    return evaluate_loss<T>(*problem_.graph, theta_, *problem_.samples, control_).loss;
  }

 private:
  const SpectraProblem<T>& problem_;
  const Control& control_;
  std::span<const T> theta_;
};

/// The spectra of one point into row `index` of all results.
template <typename T>
void solve_point(const SpectraProblem<T>& problem, std::size_t index, SpectraWorker<T>& worker,
                 const Control& control, Spectra& spectra) {
  const std::size_t size = problem.size();
  for (std::size_t t = 0; t < problem.terms.size(); ++t) {
    TermSpectra& rows = spectra.terms[t];
    worker.entries.resize(size * size);
    const AssemblyScale scale =
        worker.assemble(problem.terms[t], problem.point(index), worker.entries.span());
    const DenseSpectrum found = symmetric_eigenvalues<T>(size, worker.entries.span(), control);
    std::copy_n(found.values.data(), size, rows.eigenvalues.data() + index * size);
    rows.exact_zeros[index] = static_cast<double>(found.exact_zeros);
    rows.norms[index] = found.norm;
    rows.magnitudes[index] = scale.magnitude;
    if (index == 0) spectra.operations = static_cast<double>(scale.operations);
  }
  spectra.losses[index] = worker.loss();
}

template <typename T>
Spectra empty_spectra(const SpectraProblem<T>& problem) {
  const double missing = std::numeric_limits<double>::quiet_NaN();
  Spectra spectra;
  spectra.losses.assign(problem.count, missing);
  for (std::size_t t = 0; t < problem.terms.size(); ++t) {
    const std::vector<double> column(problem.count, missing);
    spectra.terms.push_back({std::vector<double>(problem.count * problem.size(), missing),
                             std::vector<double>(problem.count, 0.0), column, column});
  }
  return spectra;
}

/// Calls solve for every point; numbers beyond the type's range are a point's own affair.
template <typename T, typename MakeWorker>
void solve_points(const SpectraProblem<T>& problem, bool side_by_side, const Control& control,
                  const MakeWorker& make_worker, Spectra& spectra) {
  const Control alone(&control);
  const Control& inner = side_by_side ? alone : control;
  Workspaces<SpectraWorker<T>> workers;
  std::mutex mutex;
  std::size_t done = 0;
  const auto solve = [&](std::size_t index) {
    auto worker = workers.take([&] { return make_worker(inner); });
    std::string failure;
    try {
      solve_point(problem, index, *worker, inner, spectra);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::numeric) throw;
      failure = error.what();
    }
    workers.give_back(std::move(worker));
    const std::lock_guard lock(mutex);
    if (!failure.empty()) spectra.failed.push_back({index, std::move(failure)});
    control.report("spectra", static_cast<double>(++done), static_cast<double>(problem.count));
  };
  if (side_by_side) return parallel_for(control, problem.count, solve);
  for (std::size_t index = 0; index < problem.count; ++index) {
    control.check();
    solve(index);
  }
}

/// Bytes that one thread takes for one problem.
template <typename T>
std::size_t problem_bytes(const SpectraProblem<T>& problem) {
  const std::size_t size = problem.size();
  const Operator<T> curvature(problem.graph, std::make_shared<Array<T>>(size), problem.samples,
                              problem.terms.front());
  return size * size * sizeof(T) +
         std::max(assembly_workspace(curvature, choose_route(curvature), kBlock, size, 1),
                  symmetric_eigenvalues_workspace(size, sizeof(T)));
}

template <typename T>
Spectra compute_spectra(const SpectraProblem<T>& problem, const Control& control) {
  Spectra spectra = empty_spectra(problem);
  if (SmallChain<T>::holds(*problem.graph, problem.samples->count)) {
    const SmallChain<T> chain(*problem.graph, *problem.samples, control);
    solve_points(
        problem, true, control,
        [&](const Control& /*inner*/) { return std::make_unique<SmallChainWorker<T>>(chain); },
        spectra);
  } else {
    const bool side_by_side = problem.count >= control.threads() &&
                              control.threads() * problem_bytes(problem) <= free_memory();
    solve_points(
        problem, side_by_side, control,
        [&](const Control& inner) { return std::make_unique<OperatorWorker<T>>(problem, inner); },
        spectra);
  }
  std::ranges::sort(spectra.failed, {}, &FailedPoint::point);
  return spectra;
}

Napi::Object to_failure(Napi::Env env, std::size_t point, const std::string& message) {
  const Napi::Object failure = Napi::Object::New(env);
  failure.Set("point", static_cast<double>(point));
  failure.Set("message", message);
  return failure;
}

Resolve resolve_spectra(Spectra computed) {
  auto spectra = std::make_shared<Spectra>(std::move(computed));
  return [spectra](Napi::Env env) {
    const Napi::Array terms = Napi::Array::New(env);
    for (const TermSpectra& rows : spectra->terms) {
      const Napi::Object term = Napi::Object::New(env);
      term.Set("eigenvalues", to_array<double>(env, rows.eigenvalues));
      term.Set("exactZeros", to_array<double>(env, rows.exact_zeros));
      term.Set("norms", to_array<double>(env, rows.norms));
      term.Set("magnitudes", to_array<double>(env, rows.magnitudes));
      terms.Set(terms.Length(), term);
    }
    const Napi::Array failed = Napi::Array::New(env);
    for (const FailedPoint& failure : spectra->failed) {
      failed.Set(failed.Length(), to_failure(env, failure.point, failure.message));
    }
    const Napi::Object result = Napi::Object::New(env);
    result.Set("losses", to_array<double>(env, spectra->losses));
    result.Set("operations", spectra->operations);
    result.Set("terms", terms);
    result.Set("failed", failed);
    return result;
  };
}

/// spectra(point, points [count, M], terms, options) → job of { losses, operations, failed:
/// [{ point, message }], terms: [{ eigenvalues, exactZeros, norms, magnitudes }] }. The first
/// names network and data; its own parameters do not matter.
Napi::Value spectra_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Point<T>>& place) -> Napi::Value {
        auto problem = std::make_shared<SpectraProblem<T>>();
        problem->graph = place->network->graph();
        problem->samples = place->samples;
        problem->points = to_vector<T>(info[1]);
        problem->count = problem->points.size() / std::max<std::size_t>(problem->size(), 1);
        if (problem->points.size() != problem->count * problem->size()) {
          throw Error(ErrorCode::shape, "the points do not fit the network's parameters");
        }
        const auto terms = info[2].As<Napi::Array>();
        for (std::uint32_t i = 0; i < terms.Length(); ++i) {
          problem->terms.push_back(to_term(terms.Get(i).ToString().Utf8Value()));
        }
        const std::size_t results =
            problem->points.size() * problem->terms.size() * 2 * sizeof(double);
        require_memory(results + problem_bytes(*problem),
                       "spectra of order " + std::to_string(problem->size()) + " at " +
                           std::to_string(problem->count) + " points",
                       "give fewer points at once");
        return start_job(info.Env(), info[3].As<Napi::Object>(),
                         [problem](const Control& control) -> Resolve {
                           return resolve_spectra(compute_spectra(*problem, control));
                         });
      },
      unwrap<PointHandle>(info[0]).object);
}

const char* name_of(RunEnd end) {
  switch (end) {
    case RunEnd::steps:
      return "steps";
    case RunEnd::gradient_norm:
      return "gradientNorm";
    case RunEnd::diverged:
      break;
  }
  return "diverged";
}

Resolve resolve_runs(std::vector<RunOutcome> ended) {
  auto outcomes = std::make_shared<std::vector<RunOutcome>>(std::move(ended));
  return [outcomes](Napi::Env env) {
    const Napi::Array stopped_by = Napi::Array::New(env, outcomes->size());
    const Napi::Array failed = Napi::Array::New(env);
    std::vector<double> losses;
    std::vector<double> norms;
    std::vector<double> steps;
    for (std::size_t run = 0; run < outcomes->size(); ++run) {
      const RunOutcome& outcome = (*outcomes)[run];
      losses.push_back(outcome.loss);
      norms.push_back(outcome.gradient_norm);
      steps.push_back(static_cast<double>(outcome.steps));
      stopped_by.Set(static_cast<std::uint32_t>(run), name_of(outcome.end));
      if (outcome.end != RunEnd::diverged) continue;
      failed.Set(failed.Length(), to_failure(env, run, outcome.message));
    }
    const Napi::Object result = Napi::Object::New(env);
    result.Set("losses", to_array<double>(env, losses));
    result.Set("gradientNorms", to_array<double>(env, norms));
    result.Set("steps", to_array<double>(env, steps));
    result.Set("stoppedBy", stopped_by);
    result.Set("failed", failed);
    return result;
  };
}

/// trainMany(point, points [count, M], plan, options) → job of { losses, gradientNorms, steps,
/// stoppedBy, failed: [{ point, message }] }; the final parameters take the place of the points.
/// The first names network and data; its own parameters do not matter.
Napi::Value train_many_job(const Napi::CallbackInfo& info) {
  const auto plan = std::make_shared<StepPlan>(to_plan(info[2].As<Napi::Object>()));
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Point<T>>& place) -> Napi::Value {
        const std::size_t size = place->network->graph()->parameter_count();
        const std::size_t entries = span_of<T>(info[1]).size();
        const std::span<T> points = writable_span_of<T>(info[1], entries);
        if (size == 0 || entries % size != 0) {
          throw Error(ErrorCode::shape, "the points do not fit the network's parameters");
        }
        return start_job(
            info.Env(), info[3].As<Napi::Object>(),
            [place, points, plan](const Control& control) -> Resolve {
              const Graph& graph = *place->network->graph();
              return resolve_runs(train_many<T>(graph, *place->samples, *plan, points, control));
            },
            info[1]);
      },
      unwrap<PointHandle>(info[0]).object);
}

}  // namespace

void register_many(Exports& exports) {
  exports.add<spectra_job>("spectra");
  exports.add<train_many_job>("trainMany");
}

}  // namespace eigenscape::node
