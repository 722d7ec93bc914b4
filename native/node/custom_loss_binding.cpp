// What a loss written in TypeScript needs of the engine: outputs of some samples, the gradient that
// goes with derivatives in the outputs, and tables of derivatives for operators.

#include <cmath>
#include <string>

#include "core/memory.hpp"
#include "network/gradient.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"
#include "node/job.hpp"

namespace eigenscape::node {
namespace {

/// Parameters and data that a handle keeps alive.
template <typename T>
struct Place {
  std::shared_ptr<const void> owner;
  const Graph& graph;
  std::span<const T> theta;
  const Samples<T>& samples;
};

/// Calls `action` with the place of a point, or with that of an operator.
template <typename Action>
Napi::Value with_place(const Napi::Value& handle, const Action& action) {
  if (find_handle<OperatorHandle>(handle) != nullptr) {
    return std::visit(
        [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
          return action(Place<T>{matrix, matrix->graph(), matrix->theta(), matrix->samples()});
        },
        unwrap<OperatorHandle>(handle).object);
  }
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Point<T>>& point) -> Napi::Value {
        return action(Place<T>{point, *point->network->graph(), point->theta, *point->samples});
      },
      unwrap<PointHandle>(handle).object);
}

/// Inputs of some samples [count, d]: a run of the data, or copies of the listed ones.
template <typename T>
struct ChosenSamples {
  std::size_t first = 0;
  std::size_t count = 0;
  std::vector<std::uint32_t> list;
  std::vector<T> copies;

  /// The i-th of them in the data.
  [[nodiscard]] std::size_t sample(std::size_t i) const {
    return list.empty() ? first + i : list[i];
  }

  [[nodiscard]] std::span<const T> inputs(const Samples<T>& samples) const {
    const std::size_t d = samples.input_size;
    return copies.empty() ? samples.inputs.span().subspan(first * d, count * d)
                          : std::span<const T>(copies);
  }
};

/// { first, count }, or a Uint32Array of samples
template <typename T>
ChosenSamples<T> to_chosen(const Napi::Value& value, const Samples<T>& samples) {
  ChosenSamples<T> rows;
  if (!value.IsTypedArray()) {
    const auto object = value.As<Napi::Object>();
    rows.first = size_of(object.Get("first"));
    rows.count = size_of(object.Get("count"));
    if (rows.first > samples.count || rows.count > samples.count - rows.first) {
      throw Error(ErrorCode::internal, "the samples are not in the data");
    }
    return rows;
  }
  if (value.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    throw Error(ErrorCode::internal, "a Uint32Array of samples was expected");
  }
  const auto list = value.As<Napi::Uint32Array>();
  const std::size_t d = samples.input_size;
  rows.count = list.ElementLength();
  rows.copies.reserve(rows.count * d);
  for (std::size_t i = 0; i < rows.count; ++i) {
    const std::size_t n = list[i];
    if (n >= samples.count) throw Error(ErrorCode::internal, "a sample is not in the data");
    rows.list.push_back(list[i]);
    const T* const row = samples.inputs.data() + n * d;
    rows.copies.insert(rows.copies.end(), row, row + d);
  }
  return rows;
}

template <typename T>
void check_outputs(std::span<const T> outputs, std::size_t width, const ChosenSamples<T>& chosen) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (std::isfinite(outputs[i])) continue;
    throw Error(ErrorCode::numeric, "output " + std::to_string(i % width) +
                                        " of the network is not finite for sample " +
                                        std::to_string(chosen.sample(i / width)) +
                                        "; the parameters or inputs are too large");
  }
}

/// outputsAt(point | operator, rows, options) → job of the outputs [count, C]
Napi::Value outputs_job(const Napi::CallbackInfo& info) {
  return with_place(info[0], [&]<typename T>(Place<T> place) -> Napi::Value {
    auto rows = std::make_shared<ChosenSamples<T>>(to_chosen(info[1], place.samples));
    return start_job(
        info.Env(), info[2].As<Napi::Object>(), [place, rows](const Control& control) -> Resolve {
          auto outputs = std::make_shared<std::vector<T>>(rows->count * place.graph.output_size());
          predict<T>(place.graph, place.theta, rows->inputs(place.samples), *outputs, control);
          check_outputs<T>(*outputs, place.graph.output_size(), *rows);
          return [outputs](Napi::Env env) { return to_array<T>(env, *outputs); };
        });
  });
}

/// pullBack(point | operator, rows, fBar, options) → job of Σ Jᵀ f̄ [M] for f̄ [count, C]
Napi::Value pull_back_job(const Napi::CallbackInfo& info) {
  return with_place(info[0], [&]<typename T>(Place<T> place) -> Napi::Value {
    auto rows = std::make_shared<ChosenSamples<T>>(to_chosen(info[1], place.samples));
    auto f_bar = std::make_shared<std::vector<T>>(to_vector<T>(info[2]));
    if (f_bar->size() != rows->count * place.graph.output_size()) {
      throw Error(ErrorCode::shape, "the derivatives do not fit samples × outputs");
    }
    return start_job(info.Env(), info[3].As<Napi::Object>(),
                     [place, rows, f_bar](const Control& control) -> Resolve {
                       auto gradient = std::make_shared<std::vector<T>>(place.theta.size());
                       pull_back<T>(place.graph, place.theta, rows->inputs(place.samples), *f_bar,
                                    *gradient, control);
                       return [gradient](Napi::Env env) { return to_array<T>(env, *gradient); };
                     });
  });
}

/// createLossTable(operator, withHessians) → handle, filled with 0
Napi::Value create_loss_table(const Napi::CallbackInfo& info) {
  const bool with_hessians = info[1].ToBoolean().Value();
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const std::size_t samples = matrix->samples().count;
        const std::size_t outputs = matrix->graph().output_size();
        const std::size_t gradients = samples * outputs;
        const std::size_t hessians = with_hessians ? gradients * outputs : 0;
        const std::size_t bytes = (gradients + hessians) * sizeof(T);
        require_memory(bytes,
                       "the derivatives of a custom loss, " + std::to_string(samples) +
                           " samples with " + std::to_string(outputs) + " outputs each,",
                       "take fewer samples: data.take(count)");
        auto table = std::make_shared<LossTable<T>>();
        table->gradients.resize(gradients);
        table->gradients.zero();
        table->hessians.resize(hessians);
        table->hessians.zero();
        LossTableHandle handle;
        handle.object = std::move(table);
        return wrap(info.Env(), std::move(handle), bytes);
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// target[first …] ← a typed array
template <typename T>
void write(AlignedBuffer<T>& target, std::size_t first, const Napi::Value& value) {
  const std::vector<T> values = to_vector<T>(value);
  if (first > target.size() || values.size() > target.size() - first) {
    throw Error(ErrorCode::internal, "the derivatives do not fit the table");
  }
  std::copy(values.begin(), values.end(), target.data() + first);
}

/// setLossRows(table, first, gradients, hessians | undefined, C): derivatives of the samples from
/// `first` on,
/// [count, C] and [count, C, C]
Napi::Value set_loss_rows(const Napi::CallbackInfo& info) {
  const std::size_t first = size_of(info[1]);
  const std::size_t outputs = size_of(info[4]);
  std::visit(
      [&]<typename T>(const std::shared_ptr<LossTable<T>>& table) {
        write(table->gradients, first * outputs, info[2]);
        if (!info[3].IsUndefined()) write(table->hessians, first * outputs * outputs, info[3]);
      },
      unwrap<LossTableHandle>(info[0]).object);
  return info.Env().Undefined();
}

/// attachLossTable(operator, table, options) → job: the table is the operator's from here on, and
/// is written no more. Gives whether all ∇²ℓ are positive semidefinite.
Napi::Value attach_loss_table_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const auto& object = unwrap<LossTableHandle>(info[1]).object;
        const auto* const held = std::get_if<std::shared_ptr<LossTable<T>>>(&object);
        const std::size_t outputs = matrix->graph().output_size();
        if (held == nullptr || (*held)->gradients.size() != matrix->samples().count * outputs) {
          throw Error(ErrorCode::internal, "the table does not fit the operator");
        }
        const std::shared_ptr<LossTable<T>> table = *held;
        release<LossTableHandle>(info[1]);
        return start_job(
            info.Env(), info[2].As<Napi::Object>(),
            [matrix, table, outputs](const Control& control) -> Resolve {
              const bool convex = all_semidefinite<T>(table->hessians.span(), outputs, control);
              table->convex = convex;
              matrix->set_loss_table(table);
              return [convex](Napi::Env env) { return Napi::Boolean::New(env, convex); };
            });
      },
      unwrap<OperatorHandle>(info[0]).object);
}

}  // namespace

void register_custom_loss(Exports& exports) {
  exports.add<outputs_job>("outputsAt");
  exports.add<pull_back_job>("pullBack");
  exports.add<create_loss_table>("createLossTable");
  exports.add<set_loss_rows>("setLossRows");
  exports.add<attach_loss_table_job>("attachLossTable");
}

}  // namespace eigenscape::node
