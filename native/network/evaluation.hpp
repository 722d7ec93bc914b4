// The four passes over a whole network, for one chunk of samples and k directions at once.
//
// forward and adjoint evaluate a point, which then serves all directions: these read it and write
// scratch. One Evaluation is the scratch of one thread, and it has a point of its own; a point that
// was taken out of one can be visited by several at once. Networks with images take whole cache
// lines of samples: a chunk is filled up with copies of its last sample, whose cotangents are 0.
//
// A chunk of a large network takes long, so every pass asks between two operations whether the call
// was aborted: forward and visit are told by whom, until the next of them.
#pragma once

#include <span>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/control.hpp"
#include "network/graph.hpp"

namespace eigenscape {

/// What forward and adjoint leave behind for one chunk.
template <typename T>
struct EvaluatedPoint {
  std::size_t n = 0;      // samples, with those that fill up
  std::size_t given = 0;  // without them
  std::span<const T> x;
  std::span<const T> theta;
  std::vector<AlignedBuffer<T>> y;      // per value (0, the input, is x)
  std::vector<AlignedBuffer<T>> saved;  // per layer
  std::vector<AlignedBuffer<T>> bar;    // per value: ȳ [n, ·]
};

template <typename T>
class Evaluation {
 public:
  explicit Evaluation(const Graph& graph) : Evaluation(graph, graph.moving_values()) {}
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;
  /// For directions in some parameters only: `moves` has the values that change with these, see
  /// Graph::moving_values. The others have no tangent and no adjoint.
  Evaluation(const Graph& graph, std::vector<bool> moves);

  /// y of every layer for x [n, input size]; x must live until the last pass on this chunk.
  void forward(std::size_t n, std::span<const T> x, std::span<const T> theta, Order order,
               const Control& control);
  /// f [n, C]
  [[nodiscard]] std::span<const T> outputs() const;

  /// ȳ of every layer from f̄ [n, C]; adds θ̄ to theta_bar [M] unless it is empty. The ȳ stay, as
  /// the point around which tangent_adjoint differentiates.
  void adjoint(std::span<const T> f_bar, std::span<T> theta_bar);

  /// The point of the last forward and adjoint, to be kept; x and theta must outlive it.
  EvaluatedPoint<T> take_point();
  /// The passes below are taken at `point` until the next forward; it must live as long.
  void visit(const EvaluatedPoint<T>& point, const Control& control);

  /// ẏ of every layer along k directions: theta_dot [k, M]. Returns ḟ [k, n, C].
  std::span<const T> tangent(std::size_t k, std::span<const T> theta_dot);

  /// theta_bar [k, M] += Jᵀ f̄ for k cotangents f̄ [k, n, C].
  void adjoint_of_directions(std::size_t k, std::span<const T> f_bar, std::span<T> theta_bar);

  /// theta_bar_dot [k, M] += derivative of θ̄ along the directions of the last tangent() and
  /// f̄˙ [k, n, C].
  void tangent_adjoint(std::size_t k, std::span<const T> theta_dot, std::span<const T> f_bar_dot,
                       std::span<T> theta_bar_dot);

  /// Scratch for ȳ at the output [n, C] or [k, n, C].
  std::span<T> output_scratch(std::size_t size);

  // What the closed form reads: values of layer i for the chunk.
  [[nodiscard]] std::span<const T> value(std::size_t value) const;
  [[nodiscard]] std::span<const T> saved(std::size_t layer) const {
    return point_->saved[layer].span();
  }
  [[nodiscard]] std::span<const T> adjoint_of(std::size_t value) const {
    return point_->bar[value].span();
  }
  /// ȳ of the last adjoint_of_directions() [k, ·], with the samples that fill up.
  [[nodiscard]] std::span<const T> direction_adjoint_of(std::size_t value) const {
    return bar_dot_[value].span();
  }
  /// Samples in the arrays of a chunk, with those that fill up.
  [[nodiscard]] std::size_t held_samples() const { return point_->n; }

 private:
  Primal<T> primal(std::size_t layer);
  Rows<const T> rows_of(const Node& node, std::span<const T> theta) const;
  Rows<T> rows_of(const Node& node, std::span<T> theta) const;
  /// Runs `pass(layer, x_bar)` backwards, adding up the shares of values that several layers read.
  template <typename Pass>
  void backward(std::vector<AlignedBuffer<T>>& bars, std::size_t rows, const Pass& pass);

  /// The input in the layout that the first layers read, filled up to whole cache lines.
  void lay_out_input(std::span<const T> x);
  /// out [rows, n with those that fill up, C] = f_bar [rows, n, C], 0 for the samples that fill up.
  void fill_up(std::size_t rows, std::span<const T> f_bar, AlignedBuffer<T>& out) const;

  /// Room for what an operation needs while it is at work.
  void reserve_scratch();

  const Graph& graph_;
  std::vector<bool> moves_;
  EvaluatedPoint<T> own_;
  const EvaluatedPoint<T>* point_ = &own_;
  const Control* control_ = nullptr;
  std::vector<AlignedBuffer<T>> dot_;      // per value: ẏ [k, n, ·]
  std::vector<AlignedBuffer<T>> bar_dot_;  // per value: (ȳ)˙, or ȳ of k cotangents [k, n, ·]
  std::vector<AlignedBuffer<T>> shares_;   // per input of a layer that is not the first to add
  std::vector<std::span<const T>> x_spans_;
  std::vector<std::span<const T>> dot_spans_;
  std::vector<std::span<T>> bar_spans_;
  AlignedBuffer<T> output_scratch_;
  AlignedBuffer<T> outputs_dot_;  // ḟ [k, n, C] without the samples that fill up
  AlignedBuffer<T> scratch_;      // of the operation at work
};

}  // namespace eigenscape
