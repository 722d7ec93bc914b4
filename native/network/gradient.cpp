#include "network/gradient.hpp"

#include <algorithm>

#include "network/finite_outputs.hpp"

namespace eigenscape {
namespace {

struct LossSum {
  double loss = 0;
  double kept = 0;
  double correct = 0;

  void add(const LossSum& other) {
    loss += other.loss;
    kept += other.kept;
    correct += other.correct;
  }
};

template <typename T>
struct GradientSum {
  LossSum loss;
  AlignedBuffer<T> gradient;
};

/// Where the sums go: `gradient` is overwritten by the first.
template <typename T>
struct GradientTotal {
  LossSum loss;
  std::span<T> gradient;
  bool begun = false;

  void add(const GradientSum<T>& other) {
    loss.add(other.loss);
    if (!begun) {
      for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = T{0} + other.gradient[i];
    } else {
      for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] += other.gradient[i];
    }
    begun = true;
  }
};

/// Sums of gradients of `size` entries, for chunked_sum.
template <typename T>
auto gradient_sums(std::size_t size) {
  return [size] {
    GradientSum<T> sum;
    sum.gradient.resize(size);
    sum.gradient.zero();
    return sum;
  };
}

/// Adds the loss of one chunk and, unless `gradient` is empty, its gradient.
template <typename T>
void add_chunk(const Graph& graph, std::span<const T> theta, const Samples<T>& samples, Chunk chunk,
               double denominator, const Control& control, GradientScratch<T>& scratch,
               LossSum& sum, std::span<T> gradient) {
  Evaluation<T>& evaluation = scratch.evaluation;
  evaluation.forward(chunk.count, samples.inputs->rows(chunk, scratch.rows, control), theta,
                     gradient.empty() ? Order::value : Order::first, control);
  scratch.loss.evaluate(graph.loss(), samples, chunk, graph.output_size(), denominator,
                        evaluation.outputs());
  sum.add({scratch.loss.value(), scratch.loss.kept(), scratch.loss.correct()});
  if (gradient.empty()) return;
  const std::span<T> f_bar = evaluation.output_scratch(chunk.count * graph.output_size());
  scratch.loss.scaled_gradient(f_bar);
  evaluation.adjoint(f_bar, gradient);
}

template <typename T>
auto borrow(GradientWorkspaces<T>& workspaces, const Graph& graph) {
  return workspaces.take([&] { return std::make_unique<GradientScratch<T>>(graph); });
}

}  // namespace

SumPlan plan_gradient(const Graph& graph, std::size_t samples, std::size_t entry_bytes) {
  const std::size_t bytes = 2 * graph.entries_per_sample() * entry_bytes;
  // Convolutions run best on four vectors of samples at a time. Where these take more than the
  // third level of cache holds, passes over memory, and the time between two checks for an abort,
  // count for more.
  constexpr std::size_t kImageBytes = 4 * 64;
  constexpr std::size_t kLastCache = std::size_t{32} << 20;
  const std::size_t vectors = kImageBytes / entry_bytes;
  const bool wide = graph.has_images() && vectors * bytes <= kLastCache;
  return plan_sum(samples, bytes, wide ? vectors : kSmallestChunk);
}

template <typename T>
LossSummary evaluate_loss(const Graph& graph, std::span<const T> theta, const Samples<T>& samples,
                          const Control& control) {
  const double denominator = loss_denominator(graph.loss(), samples, {0, samples.count});
  GradientWorkspaces<T> workspaces;
  LossSum total;
  chunked_sum(
      plan_gradient(graph, samples.count, sizeof(T)), control, total, [] { return LossSum{}; },
      [&](Chunk chunk, LossSum& sum) {
        auto scratch = borrow(workspaces, graph);
        add_chunk<T>(graph, theta, samples, chunk, denominator, control, *scratch, sum, {});
        workspaces.give_back(std::move(scratch));
      });
  return {total.loss / denominator, total.correct / total.kept};
}

template <typename T>
double evaluate_gradient(const Graph& graph, std::span<const T> theta, const Samples<T>& samples,
                         Chunk range, std::span<T> gradient, GradientWorkspaces<T>& workspaces,
                         const Control& control) {
  const double denominator = loss_denominator(graph.loss(), samples, range);
  const SumPlan plan = plan_gradient(graph, range.count, sizeof(T));
  if (plan.chunks == 1) {
    std::fill(gradient.begin(), gradient.end(), T{0});
    auto scratch = borrow(workspaces, graph);
    LossSum sum;
    add_chunk(graph, theta, samples, range, denominator, control, *scratch, sum, gradient);
    workspaces.give_back(std::move(scratch));
    return sum.loss / denominator;
  }
  GradientTotal<T> total{{}, gradient};
  const auto add = [&](Chunk chunk, GradientSum<T>& sum) {
    auto scratch = borrow(workspaces, graph);
    add_chunk(graph, theta, samples, {range.first + chunk.first, chunk.count}, denominator, control,
              *scratch, sum.loss, sum.gradient.span());
    workspaces.give_back(std::move(scratch));
  };
  chunked_sum(plan, control, total, gradient_sums<T>(gradient.size()), add);
  return total.loss.loss / denominator;
}

template <typename T>
void pull_back(const Graph& graph, std::span<const T> theta, const RowSource<T>& x, Chunk range,
               std::span<const T> f_bar, std::span<T> gradient, const Control& control) {
  const std::size_t c = graph.output_size();
  std::fill(gradient.begin(), gradient.end(), T{0});  // where there are no rows
  GradientTotal<T> total{{}, gradient};
  GradientWorkspaces<T> workspaces;
  const auto add = [&](Chunk chunk, GradientSum<T>& sum) {
    auto scratch = borrow(workspaces, graph);
    Evaluation<T>& evaluation = scratch->evaluation;
    const Chunk rows{range.first + chunk.first, chunk.count};
    evaluation.forward(chunk.count, x.rows(rows, scratch->rows, control), theta, Order::first,
                       control);
    evaluation.adjoint(f_bar.subspan(chunk.first * c, chunk.count * c), sum.gradient.span());
    workspaces.give_back(std::move(scratch));
  };
  chunked_sum(plan_gradient(graph, range.count, sizeof(T)), control, total,
              gradient_sums<T>(gradient.size()), add);
}

template <typename T>
void predict(const Graph& graph, std::span<const T> theta, const RowSource<T>& x, Chunk range,
             std::span<T> outputs, const Control& control) {
  const std::size_t c = graph.output_size();
  const SumPlan plan = plan_gradient(graph, range.count, sizeof(T));
  GradientWorkspaces<T> workspaces;
  parallel_for(control, plan.chunks, [&](std::size_t index) {
    auto scratch = borrow(workspaces, graph);
    const std::size_t first = index * plan.chunk;
    const std::size_t count = std::min(plan.chunk, plan.samples - first);
    const Chunk rows{range.first + first, count};
    scratch->evaluation.forward(count, x.rows(rows, scratch->rows, control), theta, Order::value,
                                control);
    const std::span<const T> f = scratch->evaluation.outputs();
    require_finite_outputs(f, c, [&](std::size_t row) { return rows.first + row; });
    std::copy_n(f.data(), count * c, outputs.data() + first * c);
    workspaces.give_back(std::move(scratch));
  });
}

template LossSummary evaluate_loss<double>(const Graph&, std::span<const double>,
                                           const Samples<double>&, const Control&);
template LossSummary evaluate_loss<float>(const Graph&, std::span<const float>,
                                          const Samples<float>&, const Control&);
template double evaluate_gradient<double>(const Graph&, std::span<const double>,
                                          const Samples<double>&, Chunk, std::span<double>,
                                          GradientWorkspaces<double>&, const Control&);
template double evaluate_gradient<float>(const Graph&, std::span<const float>,
                                         const Samples<float>&, Chunk, std::span<float>,
                                         GradientWorkspaces<float>&, const Control&);
template void pull_back<double>(const Graph&, std::span<const double>, const RowSource<double>&,
                                Chunk, std::span<const double>, std::span<double>, const Control&);
template void pull_back<float>(const Graph&, std::span<const float>, const RowSource<float>&, Chunk,
                               std::span<const float>, std::span<float>, const Control&);
template void predict<double>(const Graph&, std::span<const double>, const RowSource<double>&,
                              Chunk, std::span<double>, const Control&);
template void predict<float>(const Graph&, std::span<const float>, const RowSource<float>&, Chunk,
                             std::span<float>, const Control&);

}  // namespace eigenscape
