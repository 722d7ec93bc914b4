// What a reduction takes out of a matrix, for JavaScript.
#pragma once

#include <napi.h>

#include <vector>

#include "curvature/reduction.hpp"

namespace eigenscape::node {

struct ReductionFacts {
  std::size_t size = 0;
  std::vector<ReducedMap> maps;  // without vectors
};

inline ReductionFacts facts_of(const Reduction& reduction) {
  ReductionFacts facts{reduction.size(), reduction.maps()};
  for (ReducedMap& map : facts.maps) {
    if (map.basis) map.basis->vectors.clear();
  }
  return facts;
}

inline Napi::Object to_object(Napi::Env env, const ReducedMap& map) {
  const Napi::Object object = Napi::Object::New(env);
  const auto set = [](const Napi::Object& to, const char* name, auto value) {
    to.Set(name, static_cast<double>(value));
  };
  set(object, "row", map.map.row(0, 0));
  set(object, "units", map.map.outputs);
  set(object, "liveUnits", map.units.size());
  object.Set("contracted", map.contracted);
  set(object, "inputs", map.map.inputs());
  set(object, "keptInputs", map.inputs());
  if (!map.basis) return object;
  const Napi::Object basis = Napi::Object::New(env);
  set(basis, "width", map.basis->width);
  set(basis, "rank", map.basis->rank);
  set(basis, "tolerance", map.basis->tolerance);
  set(basis, "smallestKept", map.basis->smallest_kept);
  set(basis, "largestDropped", map.basis->largest_dropped);
  set(basis, "distance", map.distance);
  object.Set("basis", basis);
  return object;
}

/// { size, maps: { row, units, liveUnits, contracted, inputs, keptInputs, basis?: { width, rank,
/// tolerance, smallestKept, largestDropped, distance } }[] }
inline Napi::Value to_object(Napi::Env env, const ReductionFacts& facts) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("size", static_cast<double>(facts.size));
  const Napi::Array maps = Napi::Array::New(env, facts.maps.size());
  for (std::size_t i = 0; i < facts.maps.size(); ++i) {
    maps.Set(static_cast<std::uint32_t>(i), to_object(env, facts.maps[i]));
  }
  object.Set("maps", maps);
  return object;
}

}  // namespace eigenscape::node
