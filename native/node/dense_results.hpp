// What JavaScript gets of dense matrices: spectra, eigenpairs and counts.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "curvature/assembly.hpp"
#include "eigensolver/dense_symmetric.hpp"
#include "eigensolver/inertia.hpp"
#include "node/convert.hpp"
#include "node/job.hpp"
#include "node/reduction.hpp"

namespace eigenscape::node {

/// { eigenvalues, exactZeros, norm, magnitude, operations, via, reductionError, stages, order?,
/// reduction? } at the end of what `control` watches
Resolve resolve_spectrum(const Control& control, DenseSpectrum spectrum, AssemblyScale scale,
                         const char* via,
                         const std::optional<ReductionFacts>& reduction = {},
                         std::optional<std::size_t> order = {});

/// { values, vectors, residualNorms }
template <typename T>
Resolve resolve_pairs(DenseEigenpairs<T> pairs) {
  auto held = std::make_shared<DenseEigenpairs<T>>(std::move(pairs));
  return [held](Napi::Env env) {
    const Napi::Object result = Napi::Object::New(env);
    result.Set("values", to_array<double>(env, held->values));
    result.Set("vectors", to_array<T>(env, held->vectors));
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
