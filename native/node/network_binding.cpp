// Networks and datasets: creation, parameters, predictions, loss, gradient.

#include <algorithm>
#include <string>

#include "core/finite.hpp"
#include "core/memory.hpp"
#include "network/gradient.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"
#include "node/job.hpp"

namespace eigenscape::node {
namespace {

template <typename T>
std::size_t bytes_of(const Network<T>& network) {
  return network.graph()->parameter_count() * sizeof(T);
}

template <typename T>
std::size_t bytes_of(const Samples<T>& samples) {
  return samples.inputs->resident_bytes() + samples.rows.size() * sizeof(T);
}

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
        const std::size_t finite =
            std::visit([&](auto from) { return copy_finite<T>(from, *values); }, entries);
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

template <typename T>
std::shared_ptr<Samples<T>> to_samples(const Napi::Object& data) {
  auto samples = std::make_shared<Samples<T>>();
  samples->count = size_of(data.Get("count"));
  samples->input_size = size_of(data.Get("inputSize"));
  samples->inputs = to_inputs<T>(data.Get("inputs"), samples->count, samples->input_size);
  const Napi::Value classes = data.Get("classes");
  if (classes.IsTypedArray()) {
    const auto array = classes.As<Napi::Int32Array>();
    samples->classes.assign(array.Data(), array.Data() + array.ElementLength());
    if (samples->classes.size() != samples->count) {
      throw Error(ErrorCode::shape, "there must be one class per sample");
    }
  } else {
    samples->rows = to_vector<T>(data.Get("rows"));
  }
  const Napi::Value weights = data.Get("weights");
  if (weights.IsTypedArray()) samples->weights = to_vector<double>(weights);
  return samples;
}

/// createSamples({ count, inputSize, inputs, classes | rows, weights? }, dtype) → handle. Classes
/// are an Int32Array with −1 for ignored samples; rows are [count, outputs].
Napi::Value create_samples(const Napi::CallbackInfo& info) {
  const auto data = info[0].As<Napi::Object>();
  SamplesHandle handle;
  std::size_t bytes = 0;
  if (info[1].ToString().Utf8Value() == "float32") {
    const auto samples = to_samples<float>(data);
    bytes = bytes_of(*samples);
    handle.object = samples;
  } else {
    const auto samples = to_samples<double>(data);
    bytes = bytes_of(*samples);
    handle.object = samples;
  }
  return wrap(info.Env(), std::move(handle), bytes);
}

/// Refuses data that the passes could not read: what follows does not check again.
template <typename T>
void check_fit(const Graph& graph, const Samples<T>& samples) {
  if (samples.input_size != graph.input_size()) {
    throw Error(ErrorCode::shape, "the inputs do not fit the network");
  }
  const auto outputs = static_cast<std::int32_t>(graph.output_size());
  for (const std::int32_t c : samples.classes) {
    if (c >= outputs) throw Error(ErrorCode::data, "a class is not below the number of outputs");
  }
  if (graph.loss().kind == LossKind::custom) return;  // its targets stay in TypeScript
  const bool needs_rows = graph.loss().kind != LossKind::softmax_cross_entropy;
  const bool has_rows = samples.classes.empty();
  if ((needs_rows && !has_rows) ||
      (has_rows && samples.rows.size() != samples.count * graph.output_size())) {
    throw Error(ErrorCode::shape, "the targets do not fit the network's outputs");
  }
}

/// predict(network, inputs, count, outputs [count, C], options) → job of the outputs
Napi::Value predict_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Network<T>>& network) -> Napi::Value {
        const std::size_t count = size_of(info[2]);
        const auto inputs = to_inputs<T>(info[1], count, network->graph()->input_size());
        const std::span<T> outputs =
            writable_span_of<T>(info[3], count * network->graph()->output_size());
        const Parameters<T> theta = network->parameters();
        return start_job(
            info.Env(), info[4].As<Napi::Object>(),
            [network, inputs, count, theta, outputs](const Control& control) -> Resolve {
              predict<T>(*network->graph(), *theta, *inputs, {0, count}, outputs, control);
              return nullptr;
            },
            info[3]);
      },
      unwrap<NetworkHandle>(info[0]).object);
}

/// Calls `action` with the point that (network handle, samples handle) describe.
template <typename Action>
Napi::Value with_point(const Napi::CallbackInfo& info, const Action& action) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Network<T>>& network) -> Napi::Value {
        const auto& object = unwrap<SamplesHandle>(info[1]).object;
        const auto* const samples = std::get_if<std::shared_ptr<Samples<T>>>(&object);
        if (samples == nullptr) {
          throw Error(ErrorCode::internal, "network and dataset have different dtypes");
        }
        check_fit(*network->graph(), **samples);
        return action(
            std::make_shared<Point<T>>(Point<T>{network, network->parameters(), *samples}));
      },
      unwrap<NetworkHandle>(info[0]).object);
}

/// evaluate(network, samples, options) → job of { loss, accuracy }
Napi::Value evaluate_job(const Napi::CallbackInfo& info) {
  return with_point(info, [&]<typename T>(std::shared_ptr<Point<T>> point) -> Napi::Value {
    return start_job(
        info.Env(), info[2].As<Napi::Object>(), [point](const Control& control) -> Resolve {
          const LossSummary summary =
              evaluate_loss<T>(*point->network->graph(), *point->theta, *point->samples, control);
          return [summary](Napi::Env env) {
            const Napi::Object result = Napi::Object::New(env);
            result.Set("loss", summary.loss);
            result.Set("accuracy", summary.accuracy);
            return result;
          };
        });
  });
}

/// gradient(network, samples, gradient [M], options) → job of the gradient
Napi::Value gradient_job(const Napi::CallbackInfo& info) {
  return with_point(info, [&]<typename T>(std::shared_ptr<Point<T>> point) -> Napi::Value {
    const std::span<T> gradient = writable_span_of<T>(info[2], point->theta->size());
    return start_job(
        info.Env(), info[3].As<Napi::Object>(),
        [point, gradient](const Control& control) -> Resolve {
          GradientWorkspaces<T> workspaces;
          evaluate_gradient<T>(*point->network->graph(), *point->theta, *point->samples,
                               {0, point->samples->count}, gradient, workspaces, control);
          return nullptr;
        },
        info[2]);
  });
}

/// { kind: 'exact' | 'monteCarlo' | 'empirical', draws: number, seed: number, positions? }
LossRoot to_root(const Napi::Object& object) {
  const std::string kind = string_of(object, "kind");
  LossRoot root;
  if (kind == "monteCarlo") root.kind = RootKind::monte_carlo;
  if (kind == "empirical") root.kind = RootKind::empirical;
  root.draws = std::max<std::size_t>(1, size_of(object.Get("draws")));
  root.seed = static_cast<std::uint64_t>(object.Get("seed").ToNumber().Int64Value());
  return root;
}

/// { ranges?: Float64Array of first, last, first, last …, weightDecay: number, root?: {…} }
OperatorOptions to_operator_options(const Napi::Object& object, std::size_t parameters) {
  OperatorOptions options;
  options.weight_decay = number_of(object, "weightDecay");
  const Napi::Value root = object.Get("root");
  if (root.IsObject()) {
    options.root = to_root(root.As<Napi::Object>());
    const bool reduce = string_of(root.As<Napi::Object>(), "positions") == "reduce";
    if (reduce) options.positions = Positions::reduce;
  }
  const Napi::Value ranges = object.Get("ranges");
  if (ranges.IsUndefined()) return options;
  const std::vector<double> ends = to_vector<double>(ranges);
  options.ranges.emplace();
  double before = 0;
  for (std::size_t i = 0; i + 1 < ends.size(); i += 2) {
    const bool fits = ends[i] >= before && ends[i + 1] > ends[i] &&
                      ends[i + 1] <= static_cast<double>(parameters);
    if (!fits) throw Error(ErrorCode::internal, "the ranges do not fit the parameters");
    before = ends[i + 1];
    options.ranges->emplace_back(static_cast<std::size_t>(ends[i]),
                                 static_cast<std::size_t>(ends[i + 1]));
  }
  if (options.ranges->empty()) throw Error(ErrorCode::internal, "the ranges are empty");
  return options;
}

/// createPoint(network, samples) → handle; of the parameters as they are now.
Napi::Value create_point(const Napi::CallbackInfo& info) {
  return with_point(info, [&]<typename T>(std::shared_ptr<Point<T>> point) -> Napi::Value {
    const std::size_t bytes = bytes_of(*point->network);
    PointHandle handle;
    handle.object = std::move(point);
    return wrap(info.Env(), std::move(handle), bytes);
  });
}

/// createOperator(network, samples, term, { ranges?, weightDecay }) → handle; of the
/// parameters as they are now.
Napi::Value create_operator(const Napi::CallbackInfo& info) {
  const Term term = to_term(info[2].ToString().Utf8Value());
  return with_point(info, [&]<typename T>(std::shared_ptr<Point<T>> point) -> Napi::Value {
    const std::size_t bytes = bytes_of(*point->network);
    const OperatorOptions options =
        to_operator_options(info[3].As<Napi::Object>(), point->theta->size());
    auto matrix = std::make_shared<Operator<T>>(point->network->graph(), std::move(point->theta),
                                                point->samples, term, options);
    const std::size_t kept = matrix->kept_bytes();
    OperatorHandle handle;
    handle.object = std::move(matrix);
    return wrap(info.Env(), std::move(handle), bytes + kept);
  });
}

/// release(handle): lets go of what any handle holds
Napi::Value release_handle(const Napi::CallbackInfo& info) {
  release<NetworkHandle>(info[0]);
  release<SamplesHandle>(info[0]);
  release<OperatorHandle>(info[0]);
  release<PointHandle>(info[0]);
  release<VectorHandle>(info[0]);
  release<LossTableHandle>(info[0]);
  release<RowsHandle>(info[0]);
  return info.Env().Undefined();
}

}  // namespace

void require_fit(const NetworkHandle& network, const SamplesHandle& samples) {
  std::visit(
      [&]<typename T>(const std::shared_ptr<Network<T>>& held) {
        const auto* const found = std::get_if<std::shared_ptr<Samples<T>>>(&samples.object);
        if (found == nullptr) {
          throw Error(ErrorCode::internal, "network and dataset have different dtypes");
        }
        check_fit(*held->graph(), **found);
      },
      network.object);
}

void register_network(Exports& exports) {
  exports.add<create_network>("createNetwork");
  exports.add<network_layout>("networkLayout");
  exports.add<network_parameters>("networkParameters");
  exports.add<copy_parameters_job>("copyParameters");
  exports.add<share_parameters>("shareParameters");
  exports.add<set_network_parameters>("setNetworkParameters");
  exports.add<load_network_parameters_job>("loadNetworkParameters");
  exports.add<join_arrays_job>("joinArrays");
  exports.add<create_samples>("createSamples");
  exports.add<predict_job>("predict");
  exports.add<evaluate_job>("evaluate");
  exports.add<gradient_job>("gradient");
  exports.add<create_point>("createPoint");
  exports.add<create_operator>("createOperator");
  exports.add<release_handle>("release");
}

}  // namespace eigenscape::node
