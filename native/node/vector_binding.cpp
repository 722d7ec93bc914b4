// Callers' numbers, copied before a call returns: in one pass that also finds what is not finite,
// by all threads, into memory that is often there already.

#include <algorithm>

#include "core/parallel_copy.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"
#include "node/job.hpp"

namespace eigenscape::node {
namespace {

template <typename T>
Napi::Value wrap_vector(Napi::Env env, Parameters<T> values) {
  const std::size_t bytes = values->size() * sizeof(T);
  VectorHandle handle;
  handle.object = std::move(values);
  return wrap(env, std::move(handle), bytes);
}

template <typename T>
Napi::Value copy_as(Napi::Env env, const Entries& entries) {
  return std::visit(
      [&](auto from) -> Napi::Value {
        auto copy = std::make_shared<Array<T>>();
        const std::size_t finite = copy_finite<T>(from, *copy, all_threads());
        if (finite < from.size()) return Napi::Number::New(env, static_cast<double>(finite));
        return wrap_vector<T>(env, std::move(copy));
      },
      entries);
}

/// copyVector(array, dtype) → handle of a copy, or the index of the first entry that is not finite
/// in that type
Napi::Value copy_vector(const Napi::CallbackInfo& info) {
  const Entries entries = entries_of(info[0]);
  return info[1].ToString().Utf8Value() == "float32" ? copy_as<float>(info.Env(), entries)
                                                     : copy_as<double>(info.Env(), entries);
}

/// shareVector(network) → handle of its parameters as they are now
Napi::Value share_vector(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Network<T>>& network) {
        return wrap_vector<T>(info.Env(), network->parameters());
      },
      unwrap<NetworkHandle>(info[0]).object);
}

/// copyNumbers(array, target): its entries in the target's type → index of the first that is not
/// finite there, or their number
Napi::Value copy_numbers(const Napi::CallbackInfo& info) {
  const Napi::Value target = info[1];
  const std::size_t finite = std::visit(
      [&]<typename T, typename U>(std::span<const T> from, std::span<const U> /*to*/) {
        return copy_finite<U>(from, writable_span_of<U>(target, from.size()), all_threads());
      },
      entries_of(info[0]), entries_of(target));
  return Napi::Number::New(info.Env(), static_cast<double>(finite));
}

std::span<std::byte> bytes_of(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw Error(ErrorCode::internal, "a typed array was expected");
  // Of any element type, in shared memory too.
  auto array = value.As<Napi::Uint8Array>();
  return {reinterpret_cast<std::byte*>(array.Data()), array.ByteLength()};
}

/// keepBytes(typed array) → handle of a copy of its bytes
Napi::Value keep_bytes(const Napi::CallbackInfo& info) {
  const std::span<const std::byte> bytes = bytes_of(info[0]);
  auto copy = std::make_shared<Array<double>>((bytes.size() + sizeof(double) - 1) / sizeof(double));
  copy_in_parallel(bytes, std::as_writable_bytes(std::span(*copy)).first(bytes.size()),
                   all_threads());
  return wrap_vector<double>(info.Env(), std::move(copy));
}

template <typename Vector>
Napi::Value take_from(const Napi::CallbackInfo& info, const std::shared_ptr<Vector>& held) {
  const std::span<std::byte> target = bytes_of(info[1]);
  if (target.size() >= kLargeArray) prefer_large_pages(target.data(), target.size());
  if (held->size() * sizeof(typename Vector::value_type) < target.size()) {
    throw Error(ErrorCode::internal, "a vector does not fill the array");
  }
  return start_job(
      info.Env(), info[2].As<Napi::Object>(),
      [held, target](const Control& control) -> Resolve {
        copy_in_parallel(std::as_bytes(std::span(*held)).first(target.size()), target, control);
        return nullptr;
      },
      info[1]);
}

/// takeBytes(handle of a vector or a result, typed array, options) → job of the array, which then
/// has its bytes
Napi::Value take_bytes_job(const Napi::CallbackInfo& info) {
  const auto take = [&](const auto& held) { return take_from(info, held); };
  return find_handle<ResultHandle>(info[0]) == nullptr
             ? std::visit(take, unwrap<VectorHandle>(info[0]).object)
             : std::visit(take, unwrap<ResultHandle>(info[0]).object);
}

/// preferLargePages(typed array): of an array that nothing was written to yet
Napi::Value prefer_large_pages_for(const Napi::CallbackInfo& info) {
  const std::span<std::byte> bytes = bytes_of(info[0]);
  if (bytes.size() >= kLargeArray) prefer_large_pages(bytes.data(), bytes.size());
  return info.Env().Undefined();
}

}  // namespace

void register_vectors(Exports& exports) {
  exports.add<copy_vector>("copyVector");
  exports.add<share_vector>("shareVector");
  exports.add<copy_numbers>("copyNumbers");
  exports.add<keep_bytes>("keepBytes");
  exports.add<take_bytes_job>("takeBytes");
  exports.add<prefer_large_pages_for>("preferLargePages");
}

}  // namespace eigenscape::node
