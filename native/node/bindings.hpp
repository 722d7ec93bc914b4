// The parts of the addon, each registering its functions.
#pragma once

#include <napi.h>

#include "node/handles.hpp"
#include "node/job.hpp"

namespace eigenscape::node {

/// The addon's exports; every function is guarded, so that engine errors reach JavaScript as such.
class Exports {
 public:
  explicit Exports(Napi::Object object) : object_(object) {}

  template <Napi::Value (*function)(const Napi::CallbackInfo&)>
  void add(const char* name) {
    object_.Set(name, Napi::Function::New(
                          object_.Env(),
                          [](const Napi::CallbackInfo& info) {
                            return guarded(info.Env(), [&] { return function(info); });
                          },
                          name));
  }

 private:
  Napi::Object object_;
};

/// Refuses data that the passes of the network could not read; they do not check again.
void require_fit(const NetworkHandle& network, const SamplesHandle& samples);

/// A typed array, copied, or the handle of rows in files.
template <typename T>
std::shared_ptr<const RowSource<T>> to_inputs(const Napi::Value& value, std::size_t count,
                                              std::size_t width);

void register_rows(Exports& exports);
void register_network(Exports& exports);
void register_samples(Exports& exports);
void register_training(Exports& exports);
void register_operators(Exports& exports);
void register_spectra(Exports& exports);
void register_matrices(Exports& exports);
void register_many(Exports& exports);
void register_custom_loss(Exports& exports);
void register_class_pairs(Exports& exports);
void register_vectors(Exports& exports);
void register_points(Exports& exports);
void register_krylov(Exports& exports);
void register_machine(Exports& exports);

}  // namespace eigenscape::node
