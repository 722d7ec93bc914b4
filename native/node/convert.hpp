// JavaScript values to plain data and back. Arrays are copied, but for those that our TypeScript
// made for the call: a reference would not keep the pages of a caller's, who may transfer or resize
// them while a job reads them.
#pragma once

#include <napi.h>

#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/array_memory.hpp"
#include "core/error.hpp"
#include "core/memory.hpp"
#include "curvature/operator.hpp"

namespace eigenscape::node {

/// Entries of a Float64Array or Float32Array where they are.
using Entries = std::variant<std::span<const double>, std::span<const float>>;
Entries entries_of(const Napi::Value& value);

/// The same, as copies.
template <typename T>
std::vector<T> to_vector(const Napi::Value& value) {
  return std::visit([](auto entries) { return std::vector<T>(entries.begin(), entries.end()); },
                    entries_of(value));
}

/// The entries of an array of T where they are: for who keeps the array, and changes nothing.
template <typename T>
std::span<const T> span_of(const Napi::Value& value) {
  constexpr auto wanted = std::is_same_v<T, double> ? napi_float64_array : napi_float32_array;
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != wanted) {
    throw Error(ErrorCode::internal, "a typed array of the operator's dtype was expected");
  }
  const auto array = value.As<Napi::TypedArrayOf<T>>();
  return {array.Data(), array.ElementLength()};
}

/// The entries of an array that a job will write: their pages come fast.
template <typename T>
std::span<T> to_write(Napi::TypedArrayOf<T> array) {
  const std::span<T> entries(array.Data(), array.ElementLength());
  if (entries.size_bytes() >= kLargeArray) prefer_large_pages(entries.data(), entries.size_bytes());
  return entries;
}

/// The same, to be written: an array of `size` entries that nobody else reads or writes meanwhile.
template <typename T>
std::span<T> writable_span_of(const Napi::Value& value, std::size_t size) {
  const std::span<const T> entries = span_of<T>(value);
  if (entries.size() != size)
    throw Error(ErrorCode::internal, "the array for a result is too small");
  return to_write(value.As<Napi::TypedArrayOf<T>>());
}

/// Before a result of this many bytes is made: large arrays that nobody refers to any more are
/// freed, which the collector, left alone, does only when the next one is there.
void make_room(Napi::Env env, std::size_t bytes);

/// A Float64Array or Float32Array of zeros, for a job to write.
template <typename T>
Napi::TypedArrayOf<T> fresh_array(Napi::Env env, std::size_t size) {
  auto array = Napi::TypedArrayOf<T>::New(env, size);
  to_write(array);
  return array;
}

/// A fresh Float64Array or Float32Array with these entries. For few: copying many takes long.
template <typename T>
Napi::Value to_array(Napi::Env env, std::span<const T> values) {
  auto array = fresh_array<T>(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

double number_of(const Napi::Object& object, const char* key);
bool boolean_of(const Napi::Object& object, const char* key);
std::string string_of(const Napi::Object& object, const char* key);
std::size_t size_of(const Napi::Value& value);

/// { input: number[], layers: [{ type, name, inputs: number[], attributes: {…} }], loss: {…} }
std::shared_ptr<const Graph> to_graph(const Napi::Object& spec);

Term to_term(const std::string& name);

}  // namespace eigenscape::node
