// A network: its graph and its parameters. Readers and the one writer meet at whole steps.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "core/array_memory.hpp"
#include "network/graph.hpp"

namespace eigenscape {

/// θ [M], flat in PyTorch's order. Never written again once others see it: whoever reads it shares
/// it, since a copy of millions on the JavaScript thread would keep its event loop waiting.
template <typename T>
using Parameters = std::shared_ptr<const Array<T>>;

template <typename T>
class Network {
 public:
  /// Parameters start at 0.
  explicit Network(std::shared_ptr<const Graph> graph) : graph_(std::move(graph)) {}

  [[nodiscard]] const std::shared_ptr<const Graph>& graph() const { return graph_; }
  /// Those that were set last.
  [[nodiscard]] Parameters<T> parameters() const {
    const std::lock_guard lock(mutex_);
    if (!parameters_) parameters_ = std::make_shared<Array<T>>(graph_->parameter_count(), T{0});
    return parameters_;
  }
  void set_parameters(Parameters<T> values) {
    const std::lock_guard lock(mutex_);
    parameters_.swap(values);
  }

 private:
  std::shared_ptr<const Graph> graph_;
  mutable std::mutex mutex_;
  mutable Parameters<T> parameters_;  // made when they are first read, unless set before
};

}  // namespace eigenscape
