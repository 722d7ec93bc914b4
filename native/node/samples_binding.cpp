// Datasets, and networks on them: predictions, loss, gradient, points and operators.

#include <algorithm>
#include <string>

#include "network/gradient.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"
#include "node/job.hpp"

namespace eigenscape::node {
namespace {

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

void register_samples(Exports& exports) {
  exports.add<create_samples>("createSamples");
  exports.add<predict_job>("predict");
  exports.add<evaluate_job>("evaluate");
  exports.add<gradient_job>("gradient");
  exports.add<create_point>("createPoint");
  exports.add<create_operator>("createOperator");
}

}  // namespace eigenscape::node
