// A network without its parameters: the layers in order, where each reads, and its loss.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "network/loss.hpp"
#include "ops/operation.hpp"

namespace eigenscape {

struct LayerSpec {
  std::string type;
  std::string name;
  Attributes attributes;
  std::vector<std::size_t> inputs;  // values read: 0 is the network's input, i + 1 layer i
};

class Graph {
 public:
  /// Applies the shape rules; throws ErrorCode::shape or spec naming the layer.
  Graph(Shape input, const std::vector<LayerSpec>& layers, LossSpec loss);

  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const LossSpec& loss() const { return loss_; }
  [[nodiscard]] std::size_t input_size() const { return input_size_; }
  [[nodiscard]] std::size_t output_size() const { return nodes_.back().output_size; }
  [[nodiscard]] std::size_t parameter_count() const { return parameter_count_; }
  /// Entries of value 0 (the input) or i + 1 (layer i), for one sample.
  [[nodiscard]] std::size_t value_size(std::size_t value) const {
    return value == 0 ? input_size_ : nodes_[value - 1].output_size;
  }
  /// For each value, whether it changes with any parameter of the nodes that `chosen` accepts; if
  /// not, it has no tangent and no adjoint in these parameters. Without `chosen`: of all nodes.
  [[nodiscard]] std::vector<bool> moving_values() const;
  [[nodiscard]] std::vector<bool> moving_values(
      const std::function<bool(const Node&)>& chosen) const;
  /// Entries that all values and what the passes save hold for one sample.
  [[nodiscard]] std::size_t entries_per_sample() const { return entries_per_sample_; }
  /// Entries of scratch that the greediest layer needs for one sample.
  [[nodiscard]] std::size_t scratch_per_sample() const { return scratch_per_sample_; }
  /// Where the entries of value 0 or i + 1 lie.
  [[nodiscard]] Layout layout(std::size_t value) const { return layouts_[value]; }
  /// Whether any value is sample-minor: chunks then hold whole cache lines of samples.
  [[nodiscard]] bool has_images() const { return has_images_; }
  /// Dense layers and pointwise functions, each reading the one before: §4's closed form holds.
  [[nodiscard]] bool is_dense_chain() const;

 private:
  void lay_out(const std::vector<Shape>& shapes);

  std::vector<Node> nodes_;
  LossSpec loss_;
  std::size_t input_size_ = 0;
  std::size_t parameter_count_ = 0;
  std::size_t entries_per_sample_ = 0;
  std::size_t scratch_per_sample_ = 0;
  std::vector<Layout> layouts_;
  bool has_images_ = false;
};

}  // namespace eigenscape
