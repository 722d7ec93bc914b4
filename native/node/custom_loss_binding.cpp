// What a loss written in TypeScript needs of the engine: outputs of some samples, the gradient that
// goes with derivatives in the outputs, and tables of derivatives for operators.

#include <cmath>
#include <string>

#include "core/memory.hpp"
#include "network/finite_outputs.hpp"
#include "network/gradient.hpp"
#include "network/semidefinite.hpp"
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
        return action(Place<T>{point, *point->network->graph(), *point->theta, *point->samples});
      },
      unwrap<PointHandle>(handle).object);
}

/// Some samples of the data: a run of them, or those of a list.
struct ChosenSamples {
  Chunk run{};
  std::vector<std::uint32_t> list;

  [[nodiscard]] std::size_t count() const { return list.empty() ? run.count : list.size(); }
  /// The i-th of them in the data.
  [[nodiscard]] std::size_t sample(std::size_t i) const {
    return list.empty() ? run.first + i : list[i];
  }
};

/// Calls `action(source, range)` with where the inputs of the chosen samples are.
template <typename T, typename Action>
void with_inputs(const Samples<T>& samples, const ChosenSamples& chosen, const Control& control,
                 const Action& action) {
  if (chosen.list.empty()) return action(*samples.inputs, chosen.run);
  MemoryRows<T> copies(chosen.list.size(), samples.input_size);
  RowBuffer<T> buffer;
  samples.inputs->gather(chosen.list, copies.values(), buffer, control);
  action(copies, Chunk{0, chosen.list.size()});
}

/// { first, count }, or a Uint32Array of samples
ChosenSamples to_chosen(const Napi::Value& value, std::size_t samples) {
  ChosenSamples chosen;
  if (!value.IsTypedArray()) {
    const auto object = value.As<Napi::Object>();
    chosen.run = {size_of(object.Get("first")), size_of(object.Get("count"))};
    if (chosen.run.first > samples || chosen.run.count > samples - chosen.run.first) {
      throw Error(ErrorCode::internal, "the samples are not in the data");
    }
    return chosen;
  }
  if (value.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    throw Error(ErrorCode::internal, "a Uint32Array of samples was expected");
  }
  const auto list = value.As<Napi::Uint32Array>();
  chosen.list.assign(list.Data(), list.Data() + list.ElementLength());
  for (const std::uint32_t n : chosen.list) {
    if (n >= samples) throw Error(ErrorCode::internal, "a sample is not in the data");
  }
  return chosen;
}

template <typename T>
void check_outputs(std::span<const T> outputs, std::size_t width, const ChosenSamples& chosen) {
  require_finite_outputs(outputs, width, [&](std::size_t row) { return chosen.sample(row); });
}

/// outputsAt(point | operator, rows, options) → job of the outputs [count, C]
Napi::Value outputs_job(const Napi::CallbackInfo& info) {
  return with_place(info[0], [&]<typename T>(Place<T> place) -> Napi::Value {
    auto rows = std::make_shared<ChosenSamples>(to_chosen(info[1], place.samples.count));
    return start_job(
        info.Env(), info[2].As<Napi::Object>(), [place, rows](const Control& control) -> Resolve {
          auto outputs =
              std::make_shared<std::vector<T>>(rows->count() * place.graph.output_size());
          with_inputs(place.samples, *rows, control, [&](const RowSource<T>& x, Chunk range) {
            predict<T>(place.graph, place.theta, x, range, *outputs, control);
          });
          check_outputs<T>(*outputs, place.graph.output_size(), *rows);
          return [outputs](Napi::Env env) { return to_array<T>(env, *outputs); };
        });
  });
}

/// pullBack(point | operator, rows, fBar, options) → job of Σ Jᵀ f̄ [M] for f̄ [count, C]
Napi::Value pull_back_job(const Napi::CallbackInfo& info) {
  return with_place(info[0], [&]<typename T>(Place<T> place) -> Napi::Value {
    auto rows = std::make_shared<ChosenSamples>(to_chosen(info[1], place.samples.count));
    auto f_bar = std::make_shared<std::vector<T>>(to_vector<T>(info[2]));
    if (f_bar->size() != rows->count() * place.graph.output_size()) {
      throw Error(ErrorCode::shape, "the derivatives do not fit samples × outputs");
    }
    auto array = fresh_array<T>(info.Env(), place.theta.size());
    const std::span<T> gradient(array.Data(), place.theta.size());
    return start_job(
        info.Env(), info[3].As<Napi::Object>(),
        [place, rows, f_bar, gradient](const Control& control) -> Resolve {
          with_inputs(place.samples, *rows, control, [&](const RowSource<T>& x, Chunk range) {
            pull_back<T>(place.graph, place.theta, x, range, *f_bar, gradient, control);
          });
          return nullptr;
        },
        array);
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
