#include "curvature/operator.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/chunked_sum.hpp"
#include "network/evaluation.hpp"
#include "network/gradient.hpp"

namespace eigenscape {
namespace {

/// Directions that share one pass: enough to make the products of a chunk large.
constexpr std::size_t kDirectionsAtOnce = 16;
/// Directions whose partial sums are in memory at once.
constexpr std::size_t kBlock = 64;

template <typename T>
struct Scratch {
  Scratch(const Graph& graph, std::vector<bool> moves) : evaluation(graph, std::move(moves)) {}
  Evaluation<T> evaluation;
  LossPoint<T> loss;
  RowBuffer<T> rows;
  DrawnHessians<T> drawn;
  AlignedBuffer<T> f_bar;      // [n, C]
  AlignedBuffer<T> f_bar_dot;  // [k, n, C]
};

template <typename T>
struct BlockSum {
  AlignedBuffer<T> rows;  // [k, M]
  void add(const BlockSum& other) {
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] += other.rows[i];
  }
};

/// Chunks for products with blocks of `k` vectors: values and their tangents stay in cache, unless
/// the vectors, which every chunk reads and adds to, are longer than they are.
SumPlan plan_products(const Graph& graph, std::size_t samples, std::size_t k,
                      std::size_t entry_bytes) {
  std::size_t moving = 0;
  for (const Node& node : graph.nodes()) moving += node.output_size;
  const std::size_t entries = graph.entries_per_sample() + moving * (1 + 2 * k);
  return plan_sum(samples, entries * entry_bytes,
                  std::max(kSmallestChunk, k * graph.parameter_count() / entries));
}

/// One chunk, one group of at most kDirectionsAtOnce directions: out [k, M] += share.
template <typename T>
void add_products(Term term, Scratch<T>& scratch, std::size_t n, std::size_t outputs, std::size_t k,
                  std::span<const T> v, std::span<const T> shift, std::span<T> out) {
  Evaluation<T>& evaluation = scratch.evaluation;
  const std::span<const T> f_dot = evaluation.tangent(k, v);
  scratch.f_bar_dot.resize(k * n * outputs);
  const std::span<T> f_bar_dot = scratch.f_bar_dot.span();
  switch (term) {
    case Term::hessian:
      scratch.loss.apply_hessian(k, f_dot, f_bar_dot);
      return evaluation.tangent_adjoint(k, v, f_bar_dot, out);
    case Term::residual:
      scratch.f_bar_dot.zero();
      return evaluation.tangent_adjoint(k, v, f_bar_dot, out);
    case Term::gauss_newton:
      scratch.loss.apply_hessian(k, f_dot, f_bar_dot);
      return evaluation.adjoint_of_directions(k, f_bar_dot, out);
    case Term::empirical_fisher:
    case Term::gradient_covariance:
      scratch.loss.apply_fisher(k, f_dot, shift, f_bar_dot);
      return evaluation.adjoint_of_directions(k, f_bar_dot, out);
    case Term::monte_carlo_fisher:
      scratch.drawn.apply(k, f_dot, f_bar_dot);
      return evaluation.adjoint_of_directions(k, f_bar_dot, out);
  }
}

bool is_second_order(Term term) { return term == Term::hessian || term == Term::residual; }

}  // namespace

template <typename T>
Operator<T>::Operator(std::shared_ptr<const Graph> graph, std::vector<T> theta,
                      std::shared_ptr<const Samples<T>> samples, Term term,
                      const OperatorOptions& options)
    : graph_(std::move(graph)),
      theta_(std::move(theta)),
      samples_(std::move(samples)),
      term_(term),
      selection_(options.ranges ? ParameterSelection(theta_.size(), *options.ranges)
                                : ParameterSelection(theta_.size())),
      weight_decay_(options.weight_decay),
      root_(options.root),
      denominator_(loss_denominator(graph_->loss(), *samples_, {0, samples_->count})) {}

template <typename T>
void Operator<T>::set_loss_table(std::shared_ptr<const LossTable<T>> table) {
  const std::lock_guard lock(table_mutex_);
  if (loss_table_ == nullptr) loss_table_ = std::move(table);
}

template <typename T>
const LossTable<T>* Operator<T>::loss_table() const {
  if (graph_->loss().kind != LossKind::custom) return nullptr;
  const std::lock_guard lock(table_mutex_);
  if (loss_table_ == nullptr) {
    throw Error(ErrorCode::internal, "the custom loss was not computed before the operator's use");
  }
  return loss_table_.get();
}

template <typename T>
bool Operator<T>::has_convex_loss() const {
  const LossTable<T>* const table = loss_table();
  return table == nullptr || table->convex;
}

template <typename T>
double Operator<T>::kept_weight() const {
  double sum = 0;
  for (std::size_t n = 0; n < samples_->count; ++n) {
    if (samples_->classes.empty() || samples_->classes[n] >= 0) sum += samples_->weight(n);
  }
  return sum;
}

template <typename T>
std::vector<T> Operator<T>::gradient(const Control& control) const {
  std::vector<T> gradient(theta_.size());
  const LossTable<T>* const table = loss_table();
  if (table == nullptr) {
    GradientWorkspaces<T> workspaces;
    evaluate_gradient<T>(*graph_, theta_, *samples_, {0, samples_->count}, gradient, workspaces,
                         control);
    return gradient;
  }
  const std::size_t outputs = graph_->output_size();
  AlignedBuffer<T> f_bar(table->gradients.size());
  for (std::size_t i = 0; i < f_bar.size(); ++i) {
    f_bar[i] = static_cast<T>(samples_->weight(i / outputs) / denominator_) * table->gradients[i];
  }
  pull_back<T>(*graph_, theta_, *samples_->inputs, {0, samples_->count}, f_bar.span(), gradient,
               control);
  return gradient;
}

template <typename T>
std::span<const T> Operator<T>::mean_gradient(const Control& control) const {
  const std::lock_guard lock(mean_mutex_);
  if (mean_gradient_.empty()) {
    const std::vector<T> all = gradient(control);
    std::vector<T> mean(size());
    selection_.gather<T>(1, all, mean);
    const auto factor = static_cast<T>(denominator_ / kept_weight());
    for (T& g : mean) g *= factor;
    mean_gradient_ = std::move(mean);
  }
  return mean_gradient_;
}

/// ḡᵀv for each of k vectors.
template <typename T>
std::vector<T> mean_products(std::span<const T> mean, std::size_t k, std::span<const T> v) {
  const std::size_t m = mean.size();
  std::vector<T> products(k);
  for (std::size_t j = 0; j < k; ++j) {
    double product = 0;
    for (std::size_t i = 0; i < m; ++i) {
      product += static_cast<double>(mean[i]) * static_cast<double>(v[j * m + i]);
    }
    products[j] = static_cast<T>(product);
  }
  return products;
}

template <typename T>
void Operator<T>::apply(std::size_t k, std::span<const T> v, std::span<T> out,
                        const Control& control) const {
  apply_term(k, v, out, control);
  if (weight_decay_ == 0) return;
  const auto lambda = static_cast<T>(weight_decay_);
  for (std::size_t i = 0; i < v.size(); ++i) out[i] += lambda * v[i];
}

template <typename T>
void Operator<T>::apply_term(std::size_t k, std::span<const T> v, std::span<T> out,
                             const Control& control) const {
  const std::size_t m = size();
  std::vector<T> shift;
  if (term_ == Term::gradient_covariance) shift = mean_products(mean_gradient(control), k, v);
  for (std::size_t first = 0; first < k; first += kBlock) {
    const std::size_t count = std::min(kBlock, k - first);
    apply_selected(
        count, v.subspan(first * m, count * m), out.subspan(first * m, count * m),
        shift.empty() ? std::span<const T>{} : std::span<const T>(shift).subspan(first, count),
        control);
    if (k > kBlock)
      control.report("products", static_cast<double>(first + count), static_cast<double>(k));
  }
  for (std::size_t i = 0; i < k * m; ++i) {
    if (std::isfinite(out[i])) continue;
    throw Error(ErrorCode::numeric, "entry " + std::to_string(i % m) + " of product " +
                                        std::to_string(i / m) +
                                        " is not finite; the vector, the parameters or the inputs "
                                        "are too large");
  }
}

/// Many vectors over few samples: slices of directions run side by side. They are whole groups, and
/// their number depends on the problem and k alone.
template <typename T>
void Operator<T>::apply_selected(std::size_t k, std::span<const T> v, std::span<T> out,
                                 std::span<const T> shift, const Control& control) const {
  if (selection_.all()) return apply_block(k, v, out, shift, control);
  AlignedBuffer<T> directions(k * theta_.size());
  AlignedBuffer<T> products(k * theta_.size());
  selection_.scatter<T>(k, v, directions.span());
  apply_block(k, directions.span(), products.span(), shift, control);
  selection_.gather<T>(k, products.span(), out);
}

template <typename T>
void Operator<T>::apply_block(std::size_t k, std::span<const T> v, std::span<T> out,
                              std::span<const T> shift, const Control& control) const {
  const std::size_t m = theta_.size();
  const std::size_t groups = (k + kDirectionsAtOnce - 1) / kDirectionsAtOnce;
  const SumPlan plan =
      plan_products(*graph_, samples_->count, std::min(k, kDirectionsAtOnce), sizeof(T));
  const std::size_t slices = plan.partials > 1 ? 1 : groups;
  if (slices == 1) return apply_slice(k, v, out, shift, control);
  parallel_for(control, slices, [&](std::size_t slice) {
    const std::size_t first = slice * kDirectionsAtOnce;
    const std::size_t count = std::min(kDirectionsAtOnce, k - first);
    apply_slice(count, v.subspan(first * m, count * m), out.subspan(first * m, count * m),
                shift.empty() ? shift : shift.subspan(first, count), control);
  });
}

template <typename T>
void Operator<T>::apply_slice(std::size_t k, std::span<const T> v, std::span<T> out,
                              std::span<const T> shift, const Control& control) const {
  const std::size_t m = theta_.size();
  const std::size_t outputs = graph_->output_size();
  const LossTable<T>* const table = loss_table();
  const SumPlan plan =
      plan_products(*graph_, samples_->count, std::min(k, kDirectionsAtOnce), sizeof(T));
  const auto make_sum = [&] {
    BlockSum<T> sum;
    sum.rows.resize(k * m);
    sum.rows.zero();
    return sum;
  };
  // Values before a block's first layer do not move with it.
  const std::vector<bool> moves = graph_->moving_values([this](const Node& node) {
    return selection_.meets(node.parameter_offset, node.parameter_offset + node.parameter_count);
  });
  Workspaces<Scratch<T>> workspaces;
  BlockSum<T> total = make_sum();
  chunked_sum(plan, control, total, make_sum, [&](Chunk chunk, BlockSum<T>& sum) {
    auto scratch = workspaces.take([&] { return std::make_unique<Scratch<T>>(*graph_, moves); });
    const bool second = is_second_order(term_);
    scratch->evaluation.forward(chunk.count, samples_->inputs->rows(chunk, scratch->rows, control),
                                theta_, second ? Order::second : Order::first);
    scratch->loss.evaluate(graph_->loss(), *samples_, chunk, outputs, denominator_,
                           scratch->evaluation.outputs(), table);
    if (term_ == Term::monte_carlo_fisher) {
      scratch->drawn.draw(root_, scratch->loss, scratch->evaluation.outputs(), chunk.first);
    }
    if (second) {
      scratch->f_bar.resize(chunk.count * outputs);
      scratch->loss.scaled_gradient(scratch->f_bar.span());
      scratch->evaluation.adjoint(scratch->f_bar.span(), {});
    }
    for (std::size_t first = 0; first < k; first += kDirectionsAtOnce) {
      const std::size_t count = std::min(kDirectionsAtOnce, k - first);
      add_products<T>(term_, *scratch, chunk.count, outputs, count, v.subspan(first * m, count * m),
                      shift.empty() ? shift : shift.subspan(first, count),
                      sum.rows.span().subspan(first * m, count * m));
    }
    workspaces.give_back(std::move(scratch));
  });
  std::copy_n(total.rows.data(), k * m, out.data());
}

template class Operator<double>;
template class Operator<float>;

}  // namespace eigenscape
