// Which entries of a network's values matter to the second order, over all samples at one point.
#pragma once

#include <vector>

#include "curvature/operator.hpp"

namespace eigenscape {

/// By value (0, the input, and i + 1, that of layer i) and entry of a sample.
struct EntryActivity {
  /// No chosen parameter changes the entry on any sample, to the second order: it comes from the
  /// input alone, or by way of functions with σ' = σ'' = 0 there.
  std::vector<std::vector<bool>> fixed;
  /// A change of the entry reaches no output on any sample, for the same reason.
  std::vector<std::vector<bool>> dead;
};

/// One pass over the data, up to where every entry of every pointwise function has had a
/// derivative.
template <typename T>
EntryActivity find_activity(const Operator<T>& matrix, const Control& control);

/// Samples to evaluate at once in a pass over the data.
template <typename T>
std::size_t samples_at_once(const Graph& graph);

}  // namespace eigenscape
