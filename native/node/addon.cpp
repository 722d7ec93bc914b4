// The addon's entry, what it says of the machine, and how fast it multiplies there.

#include <napi.h>

#include <cstdlib>
#include <string>

#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "linalg/blas.hpp"
#include "linalg/gemm_speed.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"

namespace eigenscape::node {
namespace {

#if defined(EIGENSCAPE_STATIC_OPENBLAS)
/// OpenBLAS starts its threads when it is loaded, before any of our code could ask it not to: set
/// what it reads while that happens, unless the user did, and take it back afterwards.
bool threads_set = false;
[[gnu::constructor(101)]] void before_openblas() {
  threads_set = std::getenv("OPENBLAS_NUM_THREADS") == nullptr;
  if (threads_set) setenv("OPENBLAS_NUM_THREADS", "1", 1);
}
[[gnu::constructor(65535)]] void after_openblas() {
  if (threads_set) unsetenv("OPENBLAS_NUM_THREADS");
}
#endif

/// machine() → { version, blas, kernel, threads, freeMemory }
Napi::Value machine(const Napi::CallbackInfo& info) {
  const Napi::Object result = Napi::Object::New(info.Env());
  result.Set("version", EIGENSCAPE_VERSION);
  result.Set("blas", blas::configuration());
  result.Set("kernel", blas::kernel());
  result.Set("threads", static_cast<double>(default_thread_count()));
  result.Set("freeMemory", static_cast<double>(free_memory()));
  return result;
}

/// measureGemm(n, dtype, options) → job of the flops per second of an n × n product
Napi::Value measure_gemm_job(const Napi::CallbackInfo& info) {
  const std::size_t n = size_of(info[0]);
  const bool single = info[1].ToString().Utf8Value() == "float32";
  const std::size_t entry_bytes = single ? sizeof(float) : sizeof(double);
  require_memory(gemm_speed_workspace(n, entry_bytes),
                 "a product of matrices of order " + std::to_string(n), "measure a smaller one");
  return start_job(info.Env(), info[2].As<Napi::Object>(),
                   [n, single](const Control& control) -> Resolve {
                     const double speed =
                         single ? gemm_speed<float>(n, control) : gemm_speed<double>(n, control);
                     return [speed](Napi::Env env) { return Napi::Number::New(env, speed); };
                   });
}

Napi::Object initialize(Napi::Env /*env*/, Napi::Object exports) {
  blas::use_one_thread();
  Exports list(exports);
  register_rows(list);
  register_network(list);
  register_samples(list);
  register_training(list);
  register_operators(list);
  register_spectra(list);
  register_matrices(list);
  register_many(list);
  register_custom_loss(list);
  register_class_pairs(list);
  register_vectors(list);
  register_points(list);
  register_krylov(list);
  register_machine(list);
  return exports;
}

}  // namespace

void register_machine(Exports& exports) {
  exports.add<machine>("machine");
  exports.add<measure_gemm_job>("measureGemm");
}

}  // namespace eigenscape::node

using eigenscape::node::initialize;
NODE_API_MODULE(eigenscape, initialize)
