// A network: its graph and its parameters. Readers and the one writer meet at whole steps.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "network/graph.hpp"

namespace eigenscape {

template <typename T>
class Network {
 public:
  explicit Network(std::shared_ptr<const Graph> graph)
      : graph_(std::move(graph)), parameters_(graph_->parameter_count()) {}

  [[nodiscard]] const std::shared_ptr<const Graph>& graph() const { return graph_; }
  /// A copy [M], flat in PyTorch's order.
  [[nodiscard]] std::vector<T> parameters() const {
    const std::lock_guard lock(mutex_);
    return parameters_;
  }
  void set_parameters(std::span<const T> values) {
    const std::lock_guard lock(mutex_);
    parameters_.assign(values.begin(), values.end());
  }

 private:
  std::shared_ptr<const Graph> graph_;
  mutable std::mutex mutex_;
  std::vector<T> parameters_;
};

}  // namespace eigenscape
