// What a reduction took out of a matrix, for JavaScript.
#pragma once

#include <napi.h>

#include <optional>

#include "curvature/chain_reduction.hpp"

namespace eigenscape::node {

struct ReductionFacts {
  std::size_t size = 0;
  std::optional<RowBasis> inputs;  // without its vectors
  double distance = 0;
  std::size_t outputs = 0;
};

template <typename T>
ReductionFacts facts_of(const ChainReduction<T>& reduction) {
  ReductionFacts facts{reduction.size(), {}, reduction.distance(), reduction.outputs()};
  if (!reduction.inputs()) return facts;
  const RowBasis& basis = *reduction.inputs();
  facts.inputs = RowBasis{basis.width,
                          basis.rank,
                          basis.largest,
                          basis.smallest_kept,
                          basis.largest_dropped,
                          basis.tolerance,
                          {},
                          {}};
  return facts;
}

/// { size, outputs, inputs?: { width, rank, tolerance, smallestKept, largestDropped, distance } }
inline Napi::Value to_object(Napi::Env env, const ReductionFacts& facts) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("size", static_cast<double>(facts.size));
  object.Set("outputs", static_cast<double>(facts.outputs));
  if (!facts.inputs) return object;
  const Napi::Object inputs = Napi::Object::New(env);
  inputs.Set("width", static_cast<double>(facts.inputs->width));
  inputs.Set("rank", static_cast<double>(facts.inputs->rank));
  inputs.Set("tolerance", facts.inputs->tolerance);
  inputs.Set("smallestKept", facts.inputs->smallest_kept);
  inputs.Set("largestDropped", facts.inputs->largest_dropped);
  inputs.Set("distance", facts.distance);
  object.Set("inputs", inputs);
  return object;
}

}  // namespace eigenscape::node
