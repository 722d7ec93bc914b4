#include "network/points.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>

#include "core/error.hpp"
#include "core/thread_pool.hpp"
#include "network/evaluation.hpp"

namespace eigenscape {
namespace {

/// The share of some chunks in what is said of a point.
struct PieceSum {
  double loss = 0;
  double kept = 0;
  double correct = 0;
  double first = 0;
  double second = 0;
  bool finite = true;

  void add(const PieceSum& other) {
    loss += other.loss;
    kept += other.kept;
    correct += other.correct;
    first += other.first;
    second += other.second;
    finite = finite && other.finite;
  }
};

/// Scratch of one thread.
template <typename T>
struct PieceScratch {
  explicit PieceScratch(const Graph& graph) : evaluation(graph), theta(graph.parameter_count()) {}
  Evaluation<T> evaluation;
  LossPoint<T> loss;
  RowBuffer<T> rows;
  AlignedBuffer<T> theta;
  std::size_t point = std::numeric_limits<std::size_t>::max();  // whose parameters theta holds
  AlignedBuffer<T> f_bar;                                       // [n, C]
  AlignedBuffer<T> f_bar_dot;                                   // [n, C]
  AlignedBuffer<T> product;                                     // H d [M]
};

/// theta = Σ_j c_j b_j, added up in float64 whatever the type.
template <typename T>
void combine(const Combinations<T>& points, std::size_t index, std::span<T> theta) {
  const std::size_t terms = points.basis.size();
  const double* const c = points.coefficients.data() + index * terms;
  for (std::size_t i = 0; i < theta.size(); ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < terms; ++j) sum += c[j] * static_cast<double>(points.basis[j][i]);
    theta[i] = static_cast<T>(sum);
  }
}

template <typename T>
double dot(std::span<const T> a, std::span<const T> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

/// Adds the derivatives over one chunk, after its loss; dᵀHd is d·(Hd).
template <typename T>
void add_derivatives(const Graph& graph, std::span<const T> x, std::size_t n,
                     std::span<const T> direction, const Control& control, PieceScratch<T>& scratch,
                     PieceSum& sum) {
  Evaluation<T>& evaluation = scratch.evaluation;
  const std::size_t outputs = n * graph.output_size();
  scratch.f_bar.resize(outputs);
  scratch.f_bar_dot.resize(outputs);
  scratch.product.resize(direction.size());
  scratch.product.zero();
  evaluation.forward(n, x, scratch.theta.span(), Order::second, control);
  scratch.loss.scaled_gradient(scratch.f_bar.span());
  evaluation.adjoint(scratch.f_bar.span(), {});
  const std::span<const T> f_dot = evaluation.tangent(1, direction);
  sum.first += dot<T>(scratch.f_bar.span(), f_dot);
  scratch.loss.apply_hessian(1, f_dot, scratch.f_bar_dot.span());
  evaluation.tangent_adjoint(1, direction, scratch.f_bar_dot.span(), scratch.product.span());
  sum.second += dot<T>(direction, scratch.product.span());
}

template <typename T>
void add_chunk(const Graph& graph, const Samples<T>& samples, Chunk chunk, double denominator,
               std::span<const T> direction, const Control& control, PieceScratch<T>& scratch,
               PieceSum& sum) {
  const std::span<const T> x = samples.inputs->rows(chunk, scratch.rows, control);
  scratch.evaluation.forward(chunk.count, x, scratch.theta.span(), Order::value, control);
  scratch.loss.evaluate(graph.loss(), samples, chunk, graph.output_size(), denominator,
                        scratch.evaluation.outputs());
  sum.loss += scratch.loss.value();
  sum.kept += scratch.loss.kept();
  sum.correct += scratch.loss.correct();
  if (!direction.empty()) {
    add_derivatives(graph, x, chunk.count, direction, control, scratch, sum);
  }
}

PointValues values_of(const PieceSum& sum, double denominator) {
  constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
  if (!sum.finite || !std::isfinite(sum.loss)) {
    return {std::numeric_limits<double>::infinity(), kMissing, kMissing, kMissing};
  }
  return {sum.loss / denominator, sum.correct / sum.kept, sum.first, sum.second};
}

}  // namespace

template <typename T>
double difference(std::span<const T> start, std::span<const T> end, std::span<T> direction) {
  double squares = 0;
  for (std::size_t i = 0; i < direction.size(); ++i) {
    const double along = static_cast<double>(end[i]) - static_cast<double>(start[i]);
    direction[i] = static_cast<T>(along);
    squares += along * along;
  }
  return std::sqrt(squares);
}

template <typename T>
std::vector<PointValues> evaluate_points(const Graph& graph, const Combinations<T>& points,
                                         std::span<const T> direction, const Samples<T>& samples,
                                         const Control& control) {
  const double denominator = loss_denominator(graph.loss(), samples, {0, samples.count});
  const SumPlan plan = plan_gradient(graph, samples.count, sizeof(T));
  std::vector<PieceSum> pieces(points.count * plan.partials);
  Workspaces<PieceScratch<T>> workspaces;
  std::atomic<std::size_t> done = 0;
  const auto total = static_cast<double>(pieces.size());
  parallel_for(control, pieces.size(), [&](std::size_t index) {
    auto scratch = workspaces.take([&] { return std::make_unique<PieceScratch<T>>(graph); });
    const std::size_t point = index / plan.partials;
    const std::size_t partial = index % plan.partials;
    if (scratch->point != point) combine(points, point, scratch->theta.span());
    scratch->point = point;
    const std::size_t first = partial * plan.chunks / plan.partials;
    const std::size_t last = (partial + 1) * plan.chunks / plan.partials;
    try {
      for (std::size_t c = first; c < last; ++c) {
        control.check();
        const std::size_t start = c * plan.chunk;
        add_chunk(graph, samples, {start, std::min(plan.chunk, plan.samples - start)}, denominator,
                  direction, control, *scratch, pieces[index]);
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::numeric) throw;
      pieces[index].finite = false;
    }
    workspaces.give_back(std::move(scratch));
    control.report("points", static_cast<double>(++done), total);
  });
  std::vector<PointValues> values;
  for (std::size_t point = 0; point < points.count; ++point) {
    PieceSum sum;
    for (std::size_t p = 0; p < plan.partials; ++p) sum.add(pieces[point * plan.partials + p]);
    values.push_back(values_of(sum, denominator));
  }
  return values;
}

template double difference<double>(std::span<const double>, std::span<const double>,
                                   std::span<double>);
template double difference<float>(std::span<const float>, std::span<const float>, std::span<float>);
template std::vector<PointValues> evaluate_points<double>(const Graph&, const Combinations<double>&,
                                                          std::span<const double>,
                                                          const Samples<double>&, const Control&);
template std::vector<PointValues> evaluate_points<float>(const Graph&, const Combinations<float>&,
                                                         std::span<const float>,
                                                         const Samples<float>&, const Control&);

}  // namespace eigenscape
