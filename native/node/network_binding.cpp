// Networks and their parameters.

#include <algorithm>
#include <string>

#include "core/finite.hpp"
#include "core/memory.hpp"
#include "core/parallel_copy.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"
#include "node/job.hpp"

namespace eigenscape::node {
namespace {

/// createNetwork(spec, dtype) → handle; parameters start at 0.
Napi::Value create_network(const Napi::CallbackInfo& info) {
  const auto graph = to_graph(info[0].As<Napi::Object>());
  // The engine's parameters, and the copies that set them and that readers take.
  constexpr std::size_t kCopies = 4;
  const std::size_t count = graph->parameter_count();
  require_memory(kCopies * count * sizeof(double),
                 "a network of " + std::to_string(count) + " parameters", "use fewer units");
  NetworkHandle handle;
  if (info[1].ToString().Utf8Value() == "float32") {
    handle.object = std::make_shared<Network<float>>(graph);
  } else {
    handle.object = std::make_shared<Network<double>>(graph);
  }
  const std::size_t bytes = count * sizeof(double);
  return wrap(info.Env(), std::move(handle), bytes);
}

const Graph& graph_of(const NetworkHandle& handle) {
  return std::visit([](const auto& network) -> const Graph& { return *network->graph(); },
                    handle.object);
}

Napi::Array to_array(const Napi::Env& env, const Shape& shape) {
  const Napi::Array array = Napi::Array::New(env);
  for (const std::size_t size : shape) array.Set(array.Length(), static_cast<double>(size));
  return array;
}

/// networkLayout(handle) → { parameterCount, outputSize, tensors: [{ layer, tensor, shape, offset
/// }], layers: [{ outputs, shape, inner }] }
Napi::Value network_layout(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Graph& graph = graph_of(unwrap<NetworkHandle>(info[0]));
  const Napi::Array tensors = Napi::Array::New(env);
  for (std::size_t layer = 0; layer < graph.nodes().size(); ++layer) {
    const Node& node = graph.nodes()[layer];
    std::size_t offset = node.parameter_offset;
    for (const ParameterTensor& parameter : node.parameters) {
      const Napi::Object tensor = Napi::Object::New(env);
      tensor.Set("layer", static_cast<double>(layer));
      tensor.Set("tensor", parameter.name);
      tensor.Set("shape", to_array(env, parameter.shape));
      tensor.Set("offset", static_cast<double>(offset));
      tensors.Set(tensors.Length(), tensor);
      offset += entry_count(parameter.shape);
    }
  }
  const std::vector<bool> moves = graph.moving_values();
  const Napi::Array layers = Napi::Array::New(env);
  for (const Node& node : graph.nodes()) {
    const Napi::Object layer = Napi::Object::New(env);
    layer.Set("outputs", static_cast<double>(node.output_size));
    layer.Set("shape", to_array(env, node.output_shape));
    layer.Set("inner", std::ranges::any_of(node.inputs, [&](std::size_t v) { return moves[v]; }));
    layers.Set(layers.Length(), layer);
  }
  const Napi::Object layout = Napi::Object::New(env);
  layout.Set("parameterCount", static_cast<double>(graph.parameter_count()));
  layout.Set("outputSize", static_cast<double>(graph.output_size()));
  layout.Set("tensors", tensors);
  layout.Set("layers", layers);
  return layout;
}

/// networkParameters(handle, array): the parameters as they are now, into the array
Napi::Value network_parameters(const Napi::CallbackInfo& info) {
  std::visit(
      [&]<typename T>(const std::shared_ptr<Network<T>>& network) {
        const Parameters<T> theta = network->parameters();
        std::copy(theta->begin(), theta->end(),
                  writable_span_of<T>(info[1], theta->size()).begin());
      },
      unwrap<NetworkHandle>(info[0]).object);
  return info.Env().Undefined();
}

/// copyParameters(handle, array, options) → the same as a job of the array
Napi::Value copy_parameters_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Network<T>>& network) -> Napi::Value {
        const Parameters<T> theta = network->parameters();
        const std::span<T> copy = writable_span_of<T>(info[1], theta->size());
        return start_job(
            info.Env(), info[2].As<Napi::Object>(),
            [theta, copy](const Control& /*control*/) -> Resolve {
              std::copy(theta->begin(), theta->end(), copy.begin());
              return nullptr;
            },
            info[1]);
      },
      unwrap<NetworkHandle>(info[0]).object);
}

/// shareParameters(from, to): `to`, of the same layout, holds those of `from` from now on
Napi::Value share_parameters(const Napi::CallbackInfo& info) {
  const auto& from = unwrap<NetworkHandle>(info[0]);
  const auto& to = unwrap<NetworkHandle>(info[1]);
  std::visit(
      [&]<typename T>(const std::shared_ptr<Network<T>>& network) {
        const Parameters<T> theta = network->parameters();
        const auto& target = std::get<std::shared_ptr<Network<T>>>(to.object);
        if (theta->size() != target->graph()->parameter_count()) {
          throw Error(ErrorCode::internal, "the networks differ");
        }
        target->set_parameters(theta);
      },
      from.object);
  return info.Env().Undefined();
}

/// setNetworkParameters(handle, values) → index of the first that is not finite in the network's
/// type: then nothing is set; else their number
Napi::Value set_network_parameters(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Network<T>>& network) -> Napi::Value {
        const Entries entries = entries_of(info[1]);
        const std::size_t count = network->graph()->parameter_count();
        if (std::visit([](auto from) { return from.size(); }, entries) != count) {
          throw Error(ErrorCode::shape, "the number of parameters does not fit the network");
        }
        auto values = std::make_shared<Array<T>>();
        const std::size_t finite = std::visit(
            [&](auto from) { return copy_finite<T>(from, *values, all_threads()); }, entries);
        if (finite == count) network->set_parameters(std::move(values));
        return Napi::Number::New(info.Env(), static_cast<double>(finite));
      },
      unwrap<NetworkHandle>(info[0]).object);
}

/// A list of arrays, to be read one after the other.
std::vector<Entries> to_parts(const Napi::Value& value) {
  const auto list = value.As<Napi::Array>();
  std::vector<Entries> parts;
  for (std::uint32_t i = 0; i < list.Length(); ++i) parts.push_back(entries_of(list.Get(i)));
  return parts;
}

std::size_t entry_count_of(const std::vector<Entries>& parts) {
  std::size_t count = 0;
  for (const Entries& part : parts) {
    count += std::visit([](auto entries) { return entries.size(); }, part);
  }
  return count;
}

/// whole = the entries of all parts
template <typename T>
void join(const std::vector<Entries>& parts, std::span<T> whole, const Control& control) {
  auto to = whole.begin();
  for (const Entries& part : parts) {
    control.check();
    std::visit([&](auto entries) { to = std::copy(entries.begin(), entries.end(), to); }, part);
  }
}

/// loadNetworkParameters(handle, parts: array[], options) → the same as a job, of arrays that
/// nobody changes meanwhile
Napi::Value load_network_parameters_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Network<T>>& network) -> Napi::Value {
        const std::size_t count = network->graph()->parameter_count();
        const std::vector<Entries> parts = to_parts(info[1]);
        if (entry_count_of(parts) != count) {
          throw Error(ErrorCode::shape, "the number of parameters does not fit the network");
        }
        return start_job(
            info.Env(), info[2].As<Napi::Object>(),
            [network, parts, count](const Control& control) -> Resolve {
              auto values = std::make_shared<Array<T>>(count);
              join<T>(parts, *values, control);
              const std::size_t finite = first_not_finite<T>(*values);
              if (finite == count) network->set_parameters(std::move(values));
              return [finite](Napi::Env env) {
                return Napi::Number::New(env, static_cast<double>(finite));
              };
            },
            {}, info[1]);
      },
      unwrap<NetworkHandle>(info[0]).object);
}

/// joinArrays(parts: array[], whole, options) → job of `whole`, which then has the entries of all
/// parts; these nobody changes meanwhile
Napi::Value join_arrays_job(const Napi::CallbackInfo& info) {
  const std::vector<Entries> parts = to_parts(info[0]);
  return std::visit(
      [&]<typename T>(std::span<const T>) -> Napi::Value {
        const std::span<T> whole = writable_span_of<T>(info[1], entry_count_of(parts));
        return start_job(
            info.Env(), info[2].As<Napi::Object>(),
            [parts, whole](const Control& control) -> Resolve {
              join<T>(parts, whole, control);
              return nullptr;
            },
            info[1], info[0]);
      },
      entries_of(info[1]));
}

/// release(handle): lets go of what any handle holds
Napi::Value release_handle(const Napi::CallbackInfo& info) {
  release<NetworkHandle>(info[0]);
  release<SamplesHandle>(info[0]);
  release<OperatorHandle>(info[0]);
  release<PointHandle>(info[0]);
  release<VectorHandle>(info[0]);
  release<ResultHandle>(info[0]);
  release<LossTableHandle>(info[0]);
  release<RowsHandle>(info[0]);
  return info.Env().Undefined();
}

}  // namespace

void register_network(Exports& exports) {
  exports.add<create_network>("createNetwork");
  exports.add<network_layout>("networkLayout");
  exports.add<network_parameters>("networkParameters");
  exports.add<copy_parameters_job>("copyParameters");
  exports.add<share_parameters>("shareParameters");
  exports.add<set_network_parameters>("setNetworkParameters");
  exports.add<load_network_parameters_job>("loadNetworkParameters");
  exports.add<join_arrays_job>("joinArrays");
  exports.add<release_handle>("release");
}

}  // namespace eigenscape::node
