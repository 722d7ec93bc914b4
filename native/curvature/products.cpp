#include "curvature/products.hpp"

#include <algorithm>
#include <utility>

#include "core/memory.hpp"

namespace eigenscape {
namespace {

/// Tangents and adjoints of a group, of one chunk: the second-level cache of a core.
constexpr std::size_t kGroupBytes = std::size_t{1} << 20;
constexpr std::size_t kLargestGroup = 16;
/// Pieces of work that a block is cut into, where it can be: enough for many threads.
constexpr std::size_t kPieces = 16;
/// A run of chunks holds at least so many times as many entries as its partial sum, whose zeros and
/// addition would cost too much beside the products otherwise.
constexpr std::size_t kEntriesPerSum = 4;
/// Points are kept while they take at most this share of the memory that is free at the first call,
/// and at most this much.
constexpr std::size_t kKeptShare = 8;
constexpr std::size_t kKeptBytes = std::size_t{1} << 30;

bool is_second_order(Term term) { return term == Term::hessian || term == Term::residual; }

/// A sum of some directions' products [k, M], in memory that is borrowed; the first partial sum is
/// the total itself.
template <typename T>
struct GroupSum {
  std::span<T> rows;
  Workspaces<AlignedBuffer<T>>* lender = nullptr;
  std::unique_ptr<AlignedBuffer<T>> borrowed = nullptr;

  void add(GroupSum& other) {
    if (other.borrowed == nullptr) return;
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] += other.rows[i];
    other.lender->give_back(std::move(other.borrowed));
  }
};

}  // namespace

ProductPlan plan_products(const Graph& graph, std::size_t samples, std::size_t entry_bytes,
                          bool copies_inputs) {
  std::size_t moving = 0;
  for (const Node& node : graph.nodes()) moving += node.output_size;
  const std::size_t entries = graph.entries_per_sample() + moving;
  // A chunk reads the vectors and adds to their products: it should not be smaller than they are.
  const std::size_t smallest = std::max(kSmallestChunk, graph.parameter_count() / entries);
  ProductPlan plan{plan_sum(samples, entries * entry_bytes, smallest)};
  const std::size_t direction = 2 * moving * plan.samples.chunk * entry_bytes;
  plan.group =
      std::clamp<std::size_t>(kGroupBytes / std::max<std::size_t>(direction, 1), 1, kLargestGroup);
  const std::size_t runs = samples * entries / (kEntriesPerSum * graph.parameter_count() + 1);
  plan.samples.partials = std::clamp<std::size_t>(runs, 1, plan.samples.partials);
  const bool with_inputs = copies_inputs || graph.has_images();
  const std::size_t kept = entries - (with_inputs ? 0 : graph.input_size());
  plan.kept_bytes = samples * kept * entry_bytes;
  return plan;
}

template <typename T>
Products<T>::Products(Problem problem)
    : problem_(std::move(problem)),
      // Images are copied into their layout in any case.
      copies_inputs_(problem_.samples.inputs->resident_bytes() == 0 &&
                     !problem_.graph.has_images()),
      plan_(plan_products(problem_.graph, problem_.samples.count, sizeof(T), copies_inputs_)) {}

template <typename T>
std::size_t Products<T>::kept_bytes() const {
  return plan_.kept_bytes <= kKeptBytes ? plan_.kept_bytes : 0;
}

template <typename T>
bool Products<T>::keeps() {
  std::call_once(asked_, [this] {
    if (plan_.kept_bytes > std::min(kKeptBytes, free_memory() / kKeptShare)) return;
    kept_.resize(plan_.samples.chunks);
    for (auto& chunk : kept_) chunk = std::make_unique<KeptChunk>();
  });
  return !kept_.empty();
}

template <typename T>
void Products<T>::apply(std::size_t k, std::span<const T> v, std::span<const T> shift,
                        const LossTable<T>* table, std::span<T> out, const Control& control) {
  const std::size_t m = problem_.graph.parameter_count();
  const SumPlan& plan = plan_.samples;
  const std::size_t groups = (k + plan_.group - 1) / plan_.group;
  const std::size_t shift_size = shift.size() / k;
  // Several groups that share a chunk find it in cache, and evaluate it once where it is not kept.
  const std::size_t wanted = (kPieces + plan.partials - 1) / plan.partials;
  const bool apart = keeps() || plan.partials == 1;
  const std::size_t slices = apart ? std::min(groups, wanted) : 1;
  // Groups and slices as equal as can be; a slice is whole groups.
  const auto group_start = [&](std::size_t group) { return group * k / groups; };
  const auto first_group = [&](std::size_t slice) { return slice * groups / slices; };
  const auto first_of = [&](std::size_t slice) { return group_start(first_group(slice)); };
  const auto rows_of = [&](std::size_t slice) {
    const std::size_t first = first_of(slice);
    return out.subspan(first * m, (first_of(slice + 1) - first) * m);
  };
  std::vector<GroupSum<T>> totals;
  std::vector<std::unique_ptr<OrderedSum<GroupSum<T>>>> sums;
  totals.reserve(slices);
  for (std::size_t slice = 0; slice < slices; ++slice) {
    totals.push_back({rows_of(slice)});
    sums.push_back(std::make_unique<OrderedSum<GroupSum<T>>>(totals.back(), control.threads() + 1));
  }
  const auto run = [&](std::size_t slice, std::size_t partial) {
    if (!sums[slice]->wait_for_turn(partial)) return;
    GroupSum<T> sum{totals[slice].rows};
    if (partial > 0) {
      sum.lender = &sums_;
      sum.borrowed = sums_.take([] { return std::make_unique<AlignedBuffer<T>>(); });
      sum.borrowed->resize(sum.rows.size());
      sum.rows = sum.borrowed->span();
    }
    std::fill(sum.rows.begin(), sum.rows.end(), T{0});
    auto scratch =
        scratch_.take([&] { return std::make_unique<Scratch>(problem_.graph, problem_.moves); });
    const std::size_t first = first_of(slice);
    const std::size_t end = (partial + 1) * plan.chunks / plan.partials;
    for (std::size_t c = partial * plan.chunks / plan.partials; c < end; ++c) {
      control.check();
      const std::size_t start = c * plan.chunk;
      const Chunk chunk{start, std::min(plan.chunk, plan.samples - start)};
      const PointChunk<T>& at = visit(chunk, table, *scratch, control);
      for (std::size_t group = first_group(slice); group < first_group(slice + 1); ++group) {
        const std::size_t j = group_start(group);
        const std::size_t count = group_start(group + 1) - j;
        add_group(at, chunk, count, v.subspan(j * m, count * m),
                  shift.subspan(j * shift_size, count * shift_size), *scratch,
                  sum.rows.subspan((j - first) * m, count * m));
      }
    }
    scratch_.give_back(std::move(scratch));
    sums[slice]->add(partial, std::move(sum));
  };
  parallel_for(control, slices * plan.partials, [&](std::size_t index) {
    const std::size_t slice = index / plan.partials;
    try {
      run(slice, index % plan.partials);
    } catch (...) {
      sums[slice]->stop();
      throw;
    }
  });
}

template <typename T>
ClassPairMoments Products<T>::class_pairs(std::size_t k, std::span<const T> v,
                                          const Control& control) {
  keeps();
  const std::size_t m = problem_.graph.parameter_count();
  const std::size_t classes = problem_.graph.output_size();
  const std::size_t group = std::min(plan_.group, class_pair_group(classes));
  ClassPairMoments all(classes, 0);
  for (std::size_t first = 0; first < k; first += group) {
    const std::size_t count = std::min(group, k - first);
    ClassPairMoments sum(classes, count);
    const auto make_sum = [&] { return ClassPairMoments(classes, count); };
    chunked_sum(plan_.samples, control, sum, make_sum, [&](Chunk chunk, ClassPairMoments& partial) {
      auto scratch =
          scratch_.take([&] { return std::make_unique<Scratch>(problem_.graph, problem_.moves); });
      const PointChunk<T>& at = visit(chunk, nullptr, *scratch, control);
      const auto directions = v.subspan(first * m, count * m);
      const std::span<const T> f_dot = scratch->evaluation.tangent(count, directions);
      partial.add_chunk(at.loss, labels_of(chunk), f_dot);
      scratch_.give_back(std::move(scratch));
    });
    all.append(sum);
    control.report("class pairs", static_cast<double>(first + count), static_cast<double>(k));
  }
  return all;
}

template <typename T>
const PointChunk<T>& Products<T>::visit(Chunk chunk, const LossTable<T>* table, Scratch& scratch,
                                        const Control& control) {
  if (kept_.empty()) {
    evaluate(chunk, table, scratch, scratch.here, control);
    return scratch.here;
  }
  KeptChunk& kept = *kept_[chunk.first / plan_.samples.chunk];
  {
    const std::lock_guard lock(kept.mutex);
    if (!kept.evaluated) {
      evaluate(chunk, table, scratch, kept.point, control);
      kept.point.values = scratch.evaluation.take_point();
      if (copies_inputs_) {
        const std::span<const T> x = kept.point.values.x;
        kept.point.x.resize(x.size());
        std::copy(x.begin(), x.end(), kept.point.x.data());
        kept.point.values.x = kept.point.x.span();
      }
      kept.evaluated = true;
    }
  }
  scratch.evaluation.visit(kept.point.values, control);
  return kept.point;
}

template <typename T>
void Products<T>::evaluate(Chunk chunk, const LossTable<T>* table, Scratch& scratch,
                           PointChunk<T>& point, const Control& control) const {
  const auto& [graph, theta, samples, term, root, denominator, moves] = problem_;
  const bool second = is_second_order(term);
  Evaluation<T>& evaluation = scratch.evaluation;
  evaluation.forward(chunk.count, samples.inputs->rows(chunk, scratch.rows, control), theta,
                     second ? Order::second : Order::first, control);
  point.loss.evaluate(graph.loss(), samples, chunk, graph.output_size(), denominator,
                      evaluation.outputs(), table);
  if (term == Term::monte_carlo_fisher) {
    point.drawn.draw(root, point.loss, evaluation.outputs(), chunk.first);
  }
  if (!second) return;
  scratch.f_bar.resize(chunk.count * graph.output_size());
  point.loss.scaled_gradient(scratch.f_bar.span());
  evaluation.adjoint(scratch.f_bar.span(), {});
}

template <typename T>
void Products<T>::add_group(const PointChunk<T>& at, Chunk chunk, std::size_t k,
                            std::span<const T> v, std::span<const T> shift, Scratch& scratch,
                            std::span<T> out) const {
  Evaluation<T>& evaluation = scratch.evaluation;
  const std::span<const T> f_dot = evaluation.tangent(k, v);
  scratch.f_bar_dot.resize(k * chunk.count * problem_.graph.output_size());
  const std::span<T> f_bar_dot = scratch.f_bar_dot.span();
  switch (problem_.term) {
    case Term::hessian:
      at.loss.apply_hessian(k, f_dot, f_bar_dot);
      return evaluation.tangent_adjoint(k, v, f_bar_dot, out);
    case Term::residual:
      scratch.f_bar_dot.zero();
      return evaluation.tangent_adjoint(k, v, f_bar_dot, out);
    case Term::gauss_newton:
      at.loss.apply_hessian(k, f_dot, f_bar_dot);
      return evaluation.adjoint_of_directions(k, f_bar_dot, out);
    case Term::empirical_fisher:
    case Term::gradient_covariance:
      at.loss.apply_fisher(k, f_dot, shift, f_bar_dot);
      return evaluation.adjoint_of_directions(k, f_bar_dot, out);
    case Term::monte_carlo_fisher:
      at.drawn.apply(k, f_dot, f_bar_dot);
      return evaluation.adjoint_of_directions(k, f_bar_dot, out);
    case Term::class_means:
    case Term::cross_class_means:
    case Term::within_cross_class:
    case Term::same_class:
      apply_class_pairs(problem_.term, at.loss, labels_of(chunk), f_dot, shift, f_bar_dot);
      return evaluation.adjoint_of_directions(k, f_bar_dot, out);
    case Term::kfac:
    case Term::ekfac:
      return;  // no sum over samples, once their factors are there
  }
}

template class Products<double>;
template class Products<float>;

}  // namespace eigenscape
