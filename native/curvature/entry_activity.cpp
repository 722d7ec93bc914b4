#include "curvature/entry_activity.hpp"

#include <algorithm>

#include "network/evaluation.hpp"

namespace eigenscape {
namespace {

bool is_pointwise(const Node& node) {
  return node.operation->structure == Structure::pointwise ||
         node.operation->structure == Structure::piecewise_linear;
}

bool all_of(const std::vector<bool>& entries, std::size_t first, std::size_t last) {
  return std::all_of(entries.begin() + static_cast<std::ptrdiff_t>(first),
                     entries.begin() + static_cast<std::ptrdiff_t>(last),
                     [](bool entry) { return entry; });
}

/// Entries of pointwise layers with σ' = σ'' = 0 on every sample so far; of others none.
using Flats = std::vector<std::vector<bool>>;

Flats all_flat(const Graph& graph) {
  Flats flats;
  for (const Node& node : graph.nodes()) {
    flats.emplace_back(is_pointwise(node) ? node.output_size : 0, true);
  }
  return flats;
}

/// Takes out what is not flat in the evaluated chunk; returns whether anything is left.
template <typename T>
bool keep_flat(const Graph& graph, const Evaluation<T>& evaluation, Flats& flats) {
  const std::size_t n = evaluation.held_samples();
  bool any = false;
  for (std::size_t i = 0; i < flats.size(); ++i) {
    const Node& node = graph.nodes()[i];
    const bool bent = node.operation->structure != Structure::piecewise_linear;
    const bool minor = node.output_layout == Layout::sample_minor;
    const std::size_t size = node.output_size;
    const std::span<const T> saved = evaluation.saved(i);
    for (std::size_t e = 0; e < flats[i].size(); ++e) {
      for (std::size_t s = 0; flats[i][e] && s < n; ++s) {
        const std::size_t at = minor ? e * n + s : s * size + e;
        flats[i][e] = saved[at] == T{0} && (!bent || saved[n * size + at] == T{0});
      }
      any = any || flats[i][e];
    }
  }
  return any;
}

template <typename T>
Flats find_flat(const Operator<T>& matrix, const Control& control) {
  const Graph& graph = matrix.graph();
  Flats flats = all_flat(graph);
  const std::size_t samples = matrix.samples().count;
  const std::size_t at_once = samples_at_once<T>(graph);
  Evaluation<T> evaluation(graph);
  RowBuffer<T> rows;
  bool any = std::ranges::any_of(flats, [](const auto& entries) { return !entries.empty(); });
  for (std::size_t first = 0; any && first < samples; first += at_once) {
    control.check();
    const std::size_t n = std::min(at_once, samples - first);
    const std::span<const T> x = matrix.samples().inputs->rows({first, n}, rows, control);
    evaluation.forward(n, x, matrix.theta(), Order::second, control);
    any = keep_flat(graph, evaluation, flats);
  }
  return flats;
}

/// Where entry e of input `slot` lies in what the node gives; of a channel, its entries [first,
/// last).
struct Entries {
  std::size_t first;
  std::size_t last;
};

Entries reached(const Node& node, std::size_t slot, std::size_t e) {
  switch (node.operation->reach) {
    case Reach::entry:
      return {e, e + 1};
    case Reach::part: {
      for (std::size_t i = 0; i < slot; ++i) e += entry_count(node.input_shapes[i]);
      return {e, e + 1};
    }
    case Reach::channel: {
      const std::size_t channels = node.output_shape[0];
      const std::size_t channel = e / (entry_count(node.input_shapes[slot]) / channels);
      const std::size_t each = node.output_size / channels;
      return {channel * each, (channel + 1) * each};
    }
    case Reach::all:
      break;
  }
  return {0, node.output_size};
}

/// From the input on: what a layer gives is fixed where none that reaches it moves.
std::vector<std::vector<bool>> find_fixed(const Graph& graph, const ParameterSelection& selection,
                                          const Flats& flats) {
  std::vector<std::vector<bool>> fixed{std::vector<bool>(graph.input_size(), true)};
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const bool chosen =
        node.parameter_count > 0 &&
        selection.meets(node.parameter_offset, node.parameter_offset + node.parameter_count);
    std::vector<bool> out(node.output_size, !chosen);
    for (std::size_t slot = 0; !chosen && slot < node.inputs.size(); ++slot) {
      const std::vector<bool>& in = fixed[node.inputs[slot]];
      for (std::size_t e = 0; e < in.size(); ++e) {
        if (in[e]) continue;
        const auto [first, last] = reached(node, slot, e);
        for (std::size_t to = first; to < last && out[to]; ++to) out[to] = false;
      }
    }
    for (std::size_t e = 0; e < flats[i].size(); ++e) out[e] = out[e] || flats[i][e];
    fixed.push_back(std::move(out));
  }
  return fixed;
}

/// From the output back: an entry is dead where all that it reaches is, or no derivative lets it.
std::vector<std::vector<bool>> find_dead(const Graph& graph, const Flats& flats) {
  std::vector<std::vector<bool>> dead;
  for (std::size_t value = 0; value <= graph.nodes().size(); ++value) {
    dead.emplace_back(graph.value_size(value), value < graph.nodes().size());
  }
  for (std::size_t i = graph.nodes().size(); i-- > 0;) {
    const Node& node = graph.nodes()[i];
    const std::vector<bool>& out = dead[i + 1];
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      std::vector<bool>& in = dead[node.inputs[slot]];
      const bool spreads = node.operation->reach == Reach::all;
      const bool none = spreads && all_of(out, 0, out.size());
      for (std::size_t e = 0; e < in.size(); ++e) {
        if (!flats[i].empty() && flats[i][e]) continue;
        const auto [first, last] = reached(node, slot, e);
        in[e] = in[e] && (spreads ? none : all_of(out, first, last));
      }
    }
  }
  return dead;
}

}  // namespace

template <typename T>
std::size_t samples_at_once(const Graph& graph) {
  constexpr std::size_t kBytes = std::size_t{32} << 20;
  const std::size_t fitting = kBytes / (graph.entries_per_sample() * sizeof(T));
  return std::clamp<std::size_t>(fitting, 8, 64);
}

template <typename T>
EntryActivity find_activity(const Operator<T>& matrix, const Control& control) {
  const Flats flats = find_flat(matrix, control);
  return {find_fixed(matrix.graph(), matrix.selection(), flats), find_dead(matrix.graph(), flats)};
}

template std::size_t samples_at_once<double>(const Graph&);
template std::size_t samples_at_once<float>(const Graph&);
template EntryActivity find_activity<double>(const Operator<double>&, const Control&);
template EntryActivity find_activity<float>(const Operator<float>&, const Control&);

}  // namespace eigenscape
