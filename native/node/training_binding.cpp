// Training: a trainer keeps what a run needs from stretch to stretch.

#include <string>

#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"
#include "node/job.hpp"
#include "node/step_plan.hpp"
#include "training/trainer.hpp"

namespace eigenscape::node {
namespace {

struct TrainerHandle {
  static constexpr napi_type_tag tag{0x9d1f0f5c6a9e4c11ULL, 0x8b0d1d1f2f6a7e06ULL};
  static constexpr const char* name = "trainer";
  Either<Trainer> object;
};

Napi::Value to_object(Napi::Env env, const StepOutcome& outcome) {
  const Napi::Object result = Napi::Object::New(env);
  result.Set("steps", static_cast<double>(outcome.steps));
  result.Set("stopped", outcome.stopped);
  result.Set("loss", outcome.loss);
  result.Set("gradientNorm", outcome.gradient_norm);
  return result;
}

template <typename T>
std::vector<Parameters<T>> to_moments(const Napi::Array& list, std::size_t parameters) {
  std::vector<Parameters<T>> moments;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    moments.push_back(vector_of<T>(list.Get(i), parameters));
  }
  return moments;
}

/// createTrainer(network, samples, { updates, moments: copied[] }) → handle
Napi::Value create_trainer(const Napi::CallbackInfo& info) {
  const auto& network = unwrap<NetworkHandle>(info[0]);
  const auto& samples = unwrap<SamplesHandle>(info[1]);
  require_fit(network, samples);
  const auto start = info[2].As<Napi::Object>();
  const std::size_t updates = size_of(start.Get("updates"));
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Network<T>>& held) -> Napi::Value {
        const std::size_t count = held->graph()->parameter_count();
        TrainerHandle handle;
        handle.object = std::make_shared<Trainer<T>>(
            held, std::get<std::shared_ptr<Samples<T>>>(samples.object),
            to_moments<T>(start.Get("moments").As<Napi::Array>(), count), updates);
        constexpr std::size_t kArrays = 6;  // θ, θ before, gradient, up to three moments
        return wrap(info.Env(), std::move(handle), kArrays * count * sizeof(T));
      },
      network.object);
}

/// runTrainer(trainer, plan, options) → job of { steps, stopped, loss, gradientNorm }
Napi::Value run_trainer_job(const Napi::CallbackInfo& info) {
  const StepPlan plan = to_plan(info[1].As<Napi::Object>());
  return std::visit(
      [&](const auto& trainer) -> Napi::Value {
        return start_job(info.Env(), info[2].As<Napi::Object>(),
                         [trainer, plan](const Control& control) -> Resolve {
                           const StepOutcome outcome = trainer->run(plan, control);
                           return [outcome](Napi::Env env) { return to_object(env, outcome); };
                         });
      },
      unwrap<TrainerHandle>(info[0]).object);
}

/// takeStep(trainer, plan, { loss, gradient }, options) → job of the same
Napi::Value take_step_job(const Napi::CallbackInfo& info) {
  const StepPlan plan = to_plan(info[1].As<Napi::Object>());
  const auto given = info[2].As<Napi::Object>();
  const double loss = number_of(given, "loss");
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Trainer<T>>& trainer) -> Napi::Value {
        auto gradient = std::make_shared<std::vector<T>>(to_vector<T>(given.Get("gradient")));
        if (gradient->size() != trainer->parameter_count() || plan.steps != 1) {
          throw Error(ErrorCode::shape, "the gradient does not fit the network, or one step");
        }
        return start_job(info.Env(), info[3].As<Napi::Object>(),
                         [trainer, plan, loss, gradient](const Control& control) -> Resolve {
                           const auto outcome = trainer->take(plan, loss, *gradient, control);
                           return [outcome](Napi::Env env) { return to_object(env, outcome); };
                         });
      },
      unwrap<TrainerHandle>(info[0]).object);
}

/// The arrays that the moments are copied into: as many, and as long.
template <typename T>
std::vector<std::span<T>> to_copies(const Trainer<T>& trainer, const Napi::Value& list) {
  if (trainer.at_work()) throw Error(ErrorCode::busy, "the trainer is at work");
  const auto arrays = list.As<Napi::Array>();
  if (arrays.Length() != trainer.moments().size()) {
    throw Error(ErrorCode::internal, "the arrays are not as many as the moments");
  }
  std::vector<std::span<T>> copies;
  for (std::uint32_t i = 0; i < arrays.Length(); ++i) {
    copies.push_back(writable_span_of<T>(arrays.Get(i), trainer.parameter_count()));
  }
  return copies;
}

/// trainerState(trainer, arrays) → updates; copies the moments. ERR_BUSY while a job is at work
Napi::Value trainer_state(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Trainer<T>>& trainer) -> Napi::Value {
        trainer->copy_moments(to_copies<T>(*trainer, info[1]));
        return Napi::Number::New(info.Env(), static_cast<double>(trainer->updates()));
      },
      unwrap<TrainerHandle>(info[0]).object);
}

/// copyTrainerState(trainer, arrays, options) → the same as a job
Napi::Value copy_trainer_state_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Trainer<T>>& trainer) -> Napi::Value {
        const auto copies = to_copies<T>(*trainer, info[1]);
        return start_job(
            info.Env(), info[2].As<Napi::Object>(),
            [trainer, copies](const Control& /*control*/) -> Resolve {
              trainer->copy_moments(copies);
              const auto updates = static_cast<double>(trainer->updates());
              return [updates](Napi::Env env) { return Napi::Number::New(env, updates); };
            },
            info[1]);
      },
      unwrap<TrainerHandle>(info[0]).object);
}

/// batchSamples(order, step of the phase) → Uint32Array of the samples of a batch
Napi::Value batch_samples(const Napi::CallbackInfo& info) {
  BatchPicker picker(to_order(info[0].As<Napi::Object>()));
  const Batch batch = picker.at(size_of(info[1]));
  auto array = Napi::Uint32Array::New(info.Env(), batch.range.count);
  for (std::size_t i = 0; i < batch.range.count; ++i) {
    array[i] = batch.indices.empty() ? static_cast<std::uint32_t>(batch.range.first + i)
                                     : batch.indices[i];
  }
  return array;
}

/// releaseTrainer(trainer)
Napi::Value release_trainer(const Napi::CallbackInfo& info) {
  release<TrainerHandle>(info[0]);
  return info.Env().Undefined();
}

}  // namespace

void register_training(Exports& exports) {
  exports.add<create_trainer>("createTrainer");
  exports.add<run_trainer_job>("runTrainer");
  exports.add<take_step_job>("takeStep");
  exports.add<trainer_state>("trainerState");
  exports.add<copy_trainer_state_job>("copyTrainerState");
  exports.add<batch_samples>("batchSamples");
  exports.add<release_trainer>("releaseTrainer");
}

}  // namespace eigenscape::node
