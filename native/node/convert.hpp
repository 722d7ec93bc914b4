// JavaScript values to plain data and back. Arrays are copied, but for those that our TypeScript
// made for the call: a reference would not keep the pages of a caller's, who may transfer or resize
// them while a job reads them.
#pragma once

#include <napi.h>

#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/error.hpp"
#include "curvature/operator.hpp"

namespace eigenscape::node {

/// Entries of a Float64Array or Float32Array, as T.
template <typename T>
std::vector<T> to_vector(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw Error(ErrorCode::internal, "a typed array was expected");
  const auto array = value.As<Napi::TypedArray>();
  const std::size_t size = array.ElementLength();
  if (array.TypedArrayType() == napi_float64_array) {
    const double* const data = array.As<Napi::Float64Array>().Data();
    return {data, data + size};
  }
  if (array.TypedArrayType() == napi_float32_array) {
    const float* const data = array.As<Napi::Float32Array>().Data();
    return {data, data + size};
  }
  throw Error(ErrorCode::internal, "a Float64Array or Float32Array was expected");
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

/// A fresh Float64Array or Float32Array with these entries.
template <typename T>
Napi::Value to_array(Napi::Env env, std::span<const T> values) {
  auto array = Napi::TypedArrayOf<T>::New(env, values.size());
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
