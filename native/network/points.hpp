// The loss at many points of parameter space that are combinations of a few vectors, as the points
// of lines and planes are, and its derivatives along one direction:
//
//   w = Σ_j c_j b_j;   L(w);   d/dt L(w + t d) = Σ_n f̄_nᵀ ḟ_n;   d²/dt² L(w + t d) = dᵀ H(w) d
//
// with f̄ = ∂L/∂f and ḟ = J d. Every piece (a run of chunks of the data at one point) is a task of
// its own, so that many points over little data and few points over much data both use all cores.
// The chunks and the order of the sums are those of evaluate_loss, and so are the bits.
#pragma once

#include <span>
#include <vector>

#include "core/control.hpp"
#include "network/gradient.hpp"
#include "network/graph.hpp"

namespace eigenscape {

/// Points w_i = Σ_j coefficients[i, j] · basis[j], of vectors b_j [M] that stay where they are.
template <typename T>
struct Combinations {
  std::size_t count = 0;
  std::vector<double> coefficients;  // [count, terms]
  std::vector<std::span<const T>> basis;
};

/// The loss at one point. Where outputs of the network are not finite, as they may be far away, the
/// loss is +∞ and the rest NaN.
struct PointValues {
  double loss = 0;
  double accuracy = 0;
  double first = 0;   // along the direction
  double second = 0;  // likewise
};

/// direction [M] = end − start; gives its norm, added up in float64.
template <typename T>
double difference(std::span<const T> start, std::span<const T> end, std::span<T> direction);

/// Values at all points, in their order; without a direction (empty, else [M]) no derivatives.
template <typename T>
std::vector<PointValues> evaluate_points(const Graph& graph, const Combinations<T>& points,
                                         std::span<const T> direction, const Samples<T>& samples,
                                         const Control& control);

}  // namespace eigenscape
