#include "network/graph.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/error.hpp"

namespace eigenscape {
namespace {

Node make_node(const LayerSpec& layer, const std::vector<Shape>& shapes) {
  Node node;
  node.operation = &find_operation(layer.type);
  node.attributes = layer.attributes;
  node.inputs = layer.inputs;
  for (const std::size_t value : layer.inputs) node.input_shapes.push_back(shapes.at(value));
  try {
    node.output_shape = node.operation->output_shape(layer.attributes, node.input_shapes);
    node.parameters = node.operation->parameters(layer.attributes, node.input_shapes);
  } catch (const Error& error) {
    throw Error(error.code(), "layer '" + layer.name + "': " + error.what(), error.details());
  }
  node.output_size = entry_count(node.output_shape);
  node.storage = node.operation->storage(layer.attributes, node.input_shapes);
  for (const ParameterTensor& tensor : node.parameters) {
    node.parameter_count += entry_count(tensor.shape);
  }
  return node;
}

}  // namespace

Graph::Graph(Shape input, const std::vector<LayerSpec>& layers, LossSpec loss)
    : loss_(std::move(loss)), input_size_(entry_count(input)) {
  if (layers.empty()) throw Error(ErrorCode::spec, "a network needs at least one layer");
  std::vector<Shape> shapes{std::move(input)};
  entries_per_sample_ = input_size_;
  for (const LayerSpec& layer : layers) {
    Node node = make_node(layer, shapes);
    node.parameter_offset = parameter_count_;
    parameter_count_ += node.parameter_count;
    entries_per_sample_ += node.output_size + node.storage.saved;
    scratch_per_sample_ = std::max(scratch_per_sample_, node.storage.scratch_per_sample);
    shapes.push_back(node.output_shape);
    nodes_.push_back(std::move(node));
  }
  lay_out(shapes);
  if (nodes_.back().output_shape.size() != 1) {
    throw Error(
        ErrorCode::shape,
        "the last layer gives more than one axis per sample; put a flatten layer at the end");
  }
  if (!loss_.class_weights.empty() && loss_.class_weights.size() != output_size()) {
    throw Error(ErrorCode::shape,
                "classWeights holds " + std::to_string(loss_.class_weights.size()) +
                    " numbers, but the network has " + std::to_string(output_size()) + " outputs");
  }
}

std::vector<bool> Graph::moving_values() const {
  return moving_values([](const Node&) { return true; });
}

std::vector<bool> Graph::moving_values(const std::function<bool(const Node&)>& chosen) const {
  std::vector<bool> moves{false};
  for (const Node& node : nodes_) {
    const bool from_inputs = std::any_of(node.inputs.begin(), node.inputs.end(),
                                         [&](std::size_t value) { return moves[value]; });
    moves.push_back(from_inputs || (node.parameter_count > 0 && chosen(node)));
  }
  return moves;
}

/// Images are sample-minor, but for an input that is only flattened.
void Graph::lay_out(const std::vector<Shape>& shapes) {
  const bool input_is_read = std::any_of(nodes_.begin(), nodes_.end(), [](const Node& node) {
    return node.operation->structure != Structure::reshape &&
           std::find(node.inputs.begin(), node.inputs.end(), 0U) != node.inputs.end();
  });
  for (std::size_t value = 0; value < shapes.size(); ++value) {
    const bool image = shapes[value].size() == 3 && (value > 0 || input_is_read);
    layouts_.push_back(image ? Layout::sample_minor : Layout::sample_major);
    has_images_ = has_images_ || image;
  }
  for (std::size_t layer = 0; layer < nodes_.size(); ++layer) {
    nodes_[layer].input_layout = layouts_[nodes_[layer].inputs[0]];
    nodes_[layer].output_layout = layouts_[layer + 1];
  }
}

bool Graph::is_dense_chain() const {
  if (has_images_) return false;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].inputs.size() != 1 || nodes_[i].inputs[0] != i) return false;
    const Structure structure = nodes_[i].operation->structure;
    if (structure == Structure::general || structure == Structure::convolution ||
        structure == Structure::scale_and_shift) {
      return false;
    }
  }
  return parameter_count_ > 0;
}

}  // namespace eigenscape
