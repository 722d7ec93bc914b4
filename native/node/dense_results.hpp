// What JavaScript gets of dense matrices: spectra, eigenpairs and counts.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "curvature/assembly.hpp"
#include "eigensolver/dense_symmetric.hpp"
#include "eigensolver/inertia.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"
#include "node/job.hpp"
#include "node/reduction.hpp"

namespace eigenscape::node {

/// { eigenvalues, exactZeros, norm, magnitude, operations, via, reductionError, stages, order?,
/// reduction? } at the end of what `control` watches
Resolve resolve_spectrum(const Control& control, DenseSpectrum spectrum, AssemblyScale scale,
                         const char* via, const std::optional<ReductionFacts>& reduction = {},
                         std::optional<std::size_t> order = {});

/// The entries as an array; of many a handle, from which a job takes them.
template <typename T>
Napi::Value to_result(Napi::Env env, std::shared_ptr<const std::vector<T>> entries) {
  constexpr std::size_t kMany = std::size_t{1} << 20U;
  const std::size_t bytes = entries->size() * sizeof(T);
  if (bytes < kMany) return to_array<T>(env, *entries);
  ResultHandle handle;
  handle.object = std::move(entries);
  return wrap(env, std::move(handle), bytes);
}

/// { values, vectors: array or handle of the result, residualNorms }
template <typename T>
Resolve resolve_pairs(DenseEigenpairs<T> pairs) {
  auto vectors = std::make_shared<const std::vector<T>>(std::move(pairs.vectors));
  auto held = std::make_shared<DenseEigenpairs<T>>(std::move(pairs));
  return [held, vectors](Napi::Env env) {
    const Napi::Object result = Napi::Object::New(env);
    result.Set("values", to_array<double>(env, held->values));
    result.Set("vectors", to_result<T>(env, vectors));
    result.Set("residualNorms", to_array<double>(env, held->residual_norms));
    return result;
  };
}

/// { first, last }: ascending ranks of n.
EigenpairRange to_range(const Napi::Object& object, std::size_t n);

/// { shift, tolerance?: number }
CountRequest to_request(const Napi::Object& object);

/// { lower, upper, threshold, uncertainty }
Resolve resolve_count(const EigenvalueCount& count);

}  // namespace eigenscape::node
