// Native objects that JavaScript holds: tagged, so that a foreign object is refused, not read.
#pragma once

#include <napi.h>

#include <memory>
#include <variant>
#include <vector>

#include "curvature/operator.hpp"
#include "data/stored_rows.hpp"
#include "network/network.hpp"

namespace eigenscape::node {

/// The same object in both precisions.
template <template <typename> class Object>
using Either = std::variant<std::shared_ptr<Object<double>>, std::shared_ptr<Object<float>>>;

struct NetworkHandle {
  static constexpr napi_type_tag tag{0x9d1f0f5c6a9e4c11ULL, 0x8b0d1d1f2f6a7e01ULL};
  static constexpr const char* name = "network";
  Either<Network> object;
};

struct SamplesHandle {
  static constexpr napi_type_tag tag{0x9d1f0f5c6a9e4c11ULL, 0x8b0d1d1f2f6a7e02ULL};
  static constexpr const char* name = "dataset";
  Either<Samples> object;
};

/// A network's parameters as they are now, with data: where outputs and gradients are asked for by
/// parts.
template <typename T>
struct Point {
  std::shared_ptr<Network<T>> network;
  Parameters<T> theta;
  std::shared_ptr<Samples<T>> samples;
};

struct PointHandle {
  static constexpr napi_type_tag tag{0x9d1f0f5c6a9e4c11ULL, 0x8b0d1d1f2f6a7e04ULL};
  static constexpr const char* name = "point";
  Either<Point> object;
};

template <typename T>
using Copied = const Array<T>;

/// Numbers of a caller as they were, or a network's parameters; never written again.
struct VectorHandle {
  static constexpr napi_type_tag tag{0x9d1f0f5c6a9e4c11ULL, 0x8b0d1d1f2f6a7e09ULL};
  static constexpr const char* name = "vector";
  Either<Copied> object;
};

template <typename T>
using Computed = const std::vector<T>;

/// What a job has computed, too large to be copied on the JavaScript thread.
struct ResultHandle {
  static constexpr napi_type_tag tag{0x9d1f0f5c6a9e4c11ULL, 0x8b0d1d1f2f6a7e0aULL};
  static constexpr const char* name = "result";
  Either<Computed> object;
};

struct LossTableHandle {
  static constexpr napi_type_tag tag{0x9d1f0f5c6a9e4c11ULL, 0x8b0d1d1f2f6a7e05ULL};
  static constexpr const char* name = "table of a custom loss";
  Either<LossTable> object;
};

struct OperatorHandle {
  static constexpr napi_type_tag tag{0x9d1f0f5c6a9e4c11ULL, 0x8b0d1d1f2f6a7e03ULL};
  static constexpr const char* name = "operator";
  Either<Operator> object;
};

struct RowsHandle {
  static constexpr napi_type_tag tag{0x9d1f0f5c6a9e4c11ULL, 0x8b0d1d1f2f6a7e08ULL};
  static constexpr const char* name = "streamed data";
  std::variant<std::shared_ptr<const StoredRows>> object;
};

/// A handle, and the bytes that the garbage collector was told of.
template <typename Handle>
struct Owned {
  Handle handle;
  std::int64_t bytes;
};

/// Wraps a handle; `bytes` is told to the garbage collector.
template <typename Handle>
Napi::Value wrap(Napi::Env env, Handle handle, std::size_t bytes) {
  auto owner = std::make_unique<Owned<Handle>>(
      Owned<Handle>{std::move(handle), static_cast<std::int64_t>(bytes)});
  Owned<Handle>* const owned = owner.get();
  auto external = Napi::External<Owned<Handle>>::New(
      env, owned, [](Napi::Env finalizer_env, Owned<Handle>* held) {
        const std::unique_ptr<Owned<Handle>> freed(held);
        Napi::MemoryManagement::AdjustExternalMemory(finalizer_env, -freed->bytes);
      });
  static_cast<void>(owner.release());  // the finalizer owns it now
  external.TypeTag(&Handle::tag);
  Napi::MemoryManagement::AdjustExternalMemory(env, owned->bytes);
  return external;
}

/// What a value owns, or nullptr if it is something else.
template <typename Handle>
Owned<Handle>* find_owned(const Napi::Value& value) {
  if (!value.IsExternal()) return nullptr;
  const auto external = value.As<Napi::External<Owned<Handle>>>();
  return external.CheckTypeTag(&Handle::tag) ? external.Data() : nullptr;
}

/// The handle in a value, or nullptr if the value is something else.
template <typename Handle>
Handle* find_handle(const Napi::Value& value) {
  Owned<Handle>* const owned = find_owned<Handle>(value);
  return owned == nullptr ? nullptr : &owned->handle;
}

/// The object behind a handle.
template <typename Handle>
const Handle& unwrap(const Napi::Value& value) {
  const Handle* const handle = find_handle<Handle>(value);
  const bool held =
      handle != nullptr &&
      std::visit([](const auto& object) { return object != nullptr; }, handle->object);
  if (held) return *handle;
  throw Error(ErrorCode::disposed, std::string("the ") + Handle::name +
                                       " was disposed, or is no object of this library");
}

/// The copied vector behind a handle, in T, of `size` entries.
template <typename T>
Parameters<T> vector_of(const Napi::Value& value, std::size_t size) {
  const auto& object = unwrap<VectorHandle>(value).object;
  const auto* const found = std::get_if<Parameters<T>>(&object);
  if (found != nullptr && (*found)->size() == size) return *found;
  throw Error(ErrorCode::shape, "a vector does not fit");
}

/// Lets go of the object, if the value is a handle of that kind: the collector hears of it at once,
/// though what is left is finalized later.
template <typename Handle>
void release(const Napi::Value& value) {
  Owned<Handle>* const owned = find_owned<Handle>(value);
  if (owned == nullptr) return;
  std::visit([](auto& object) { object.reset(); }, owned->handle.object);
  Napi::MemoryManagement::AdjustExternalMemory(value.Env(), -owned->bytes);
  owned->bytes = 0;
}

/// What is held beside the heap of JavaScript.
template <typename T>
std::size_t bytes_of(const Network<T>& network) {
  return network.graph()->parameter_count() * sizeof(T);
}
template <typename T>
std::size_t bytes_of(const Samples<T>& samples) {
  return samples.inputs->resident_bytes() + samples.rows.size() * sizeof(T);
}

}  // namespace eigenscape::node
