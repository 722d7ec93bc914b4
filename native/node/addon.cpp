// The addon's entry, and what it says of the machine.

#include <napi.h>

#include <cstdlib>

#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "linalg/blas.hpp"
#include "node/bindings.hpp"

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

Napi::Object initialize(Napi::Env /*env*/, Napi::Object exports) {
  blas::use_one_thread();
  Exports list(exports);
  register_network(list);
  register_operators(list);
  register_machine(list);
  return exports;
}

}  // namespace

void register_machine(Exports& exports) { exports.add<machine>("machine"); }

}  // namespace eigenscape::node

using eigenscape::node::initialize;
NODE_API_MODULE(eigenscape, initialize)
