// Spectra of operators: eigenvalues, eigenpairs, counts, and what leaves their matrices exactly.

#include <algorithm>
#include <optional>
#include <utility>

#include "core/aligned_buffer.hpp"
#include "core/memory.hpp"
#include "curvature/kronecker.hpp"
#include "node/bindings.hpp"
#include "node/dense_results.hpp"
#include "node/dense_way.hpp"
#include "node/handles.hpp"
#include "node/left_matrix.hpp"

namespace eigenscape::node {
namespace {

/// λI moves every eigenvalue by λ, those that are exactly 0 to exactly λ.
void shift(std::vector<double>& values, double lambda) {
  for (double& value : values) value += lambda;
}

void add_zeros(DenseSpectrum& spectrum, std::size_t count) {
  const auto place = std::lower_bound(spectrum.values.begin(), spectrum.values.end(), 0.0);
  spectrum.values.insert(place, count, 0.0);
  spectrum.exact_zeros += count;
}

/// The eigenvalues of Kronecker products: those of their factors, without a matrix.
template <typename T>
Napi::Value kronecker_eigenvalues_job(Napi::Env env, const Napi::Object& options,
                                      const std::shared_ptr<Operator<T>>& matrix) {
  return start_job(env, options, [matrix](const Control& control) -> Resolve {
    KroneckerSpectrum found = matrix->kronecker(control).spectrum(control);
    DenseSpectrum spectrum{std::move(found.values), found.exact_zeros, found.norm};
    shift(spectrum.values, matrix->weight_decay());
    return resolve_spectrum(control, std::move(spectrum),
                            {found.magnitude, kronecker_operations(*matrix)}, "factors");
  });
}

/// Refuses what does not fit; n is the order of the matrix.
template <typename T>
void require_room_for_eigenvalues(const Operator<T>& matrix, const DenseWay& way, std::size_t n) {
  require_memory(eigenvalues_bytes(matrix, way, n), describe_matrix(n), kMatrixAdvice);
}

/// The eigenvalues of the Gram matrix, and zeros up to the order of the matrix; of more rows than
/// that, those that are largest, since the others are 0.
template <typename T>
Resolve compute_gram_eigenvalues(const Operator<T>& matrix, std::size_t rows,
                                 const Control& control) {
  require_memory(gram_bytes(matrix, rows), describe_matrix(rows), kMatrixAdvice);
  AlignedBuffer<T> gram(rows * rows);
  const AssemblyScale scale = assemble_gram<T>(matrix, gram.span(), control);
  DenseSpectrum spectrum = symmetric_eigenvalues<T>(rows, gram.span(), control);
  if (rows > matrix.size()) {
    const auto extra = static_cast<std::ptrdiff_t>(rows - matrix.size());
    spectrum.values.erase(spectrum.values.begin(), spectrum.values.begin() + extra);
    const auto zeros = std::ranges::count(spectrum.values, 0.0);
    spectrum.exact_zeros = std::min(spectrum.exact_zeros, static_cast<std::size_t>(zeros));
  } else {
    add_zeros(spectrum, matrix.size() - rows);
  }
  shift(spectrum.values, matrix.weight_decay());
  return resolve_spectrum(control, std::move(spectrum), scale, "gram", {}, rows);
}

/// The eigenvalues of the reduced matrix, and zeros in place of what the reduction took out.
template <typename T>
Resolve compute_eigenvalues(const Operator<T>& matrix, const DenseWay& way,
                            const Control& control) {
  const Reduction* const reduction =
      way.gram == GramUse::always ? nullptr : reduction_for(matrix, way, control);
  const std::size_t n = reduction == nullptr ? matrix.size() : reduction->size();
  const std::size_t rows = gram_rows_for(matrix, way, n);
  if (rows > 0) return compute_gram_eigenvalues(matrix, rows, control);
  require_room_for_eigenvalues(matrix, way, n);
  LeftMatrix<T> left = assemble_left(matrix, way, reduction, control);
  DenseSpectrum spectrum = symmetric_eigenvalues<T>(n, left.entries.span(), control);
  add_zeros(spectrum, matrix.size() - n);
  shift(spectrum.values, matrix.weight_decay());
  std::optional<ReductionFacts> facts;
  if (reduction != nullptr) facts = facts_of(*reduction);
  return resolve_spectrum(control, std::move(spectrum), left.scale, name_of(way.route), facts);
}

/// operatorEigenvalues(operator, way, options) → job of { eigenvalues, exactZeros, norm,
/// magnitude, operations, via, reductionError, stages, reduction? }
Napi::Value operator_eigenvalues_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        if (matrix->is_kronecker()) {
          return kronecker_eigenvalues_job(info.Env(), info[2].As<Napi::Object>(), matrix);
        }
        const DenseWay way = to_way(*matrix, info[1].As<Napi::Object>());
        const std::size_t rows = way.reduces ? 0 : gram_rows_for(*matrix, way, matrix->size());
        if (!way.reduces && rows == 0) require_room_for_eigenvalues(*matrix, way, matrix->size());
        return start_job(info.Env(), info[2].As<Napi::Object>(),
                         [matrix, way](const Control& control) -> Resolve {
                           return compute_eigenvalues<T>(*matrix, way, control);
                         });
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// operatorEigenpairs(operator, way, { first, last }, options) → job of { values, vectors,
/// residualNorms }
Napi::Value operator_eigenpairs_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const DenseWay way = to_way(*matrix, info[1].As<Napi::Object>());
        const EigenpairRange range = to_range(info[2].As<Napi::Object>(), matrix->size());
        if (!way.reduces) require_room_for_pairs(*matrix, way, matrix->size(), range);
        return start_job(info.Env(), info[3].As<Napi::Object>(),
                         [matrix, way, range](const Control& control) -> Resolve {
                           DenseEigenpairs<T> pairs =
                               compute_eigenpairs<T>(*matrix, way, range, control);
                           shift(pairs.values, matrix->weight_decay());
                           return resolve_pairs(std::move(pairs));
                         });
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// operatorReduction(operator, options) → job of what leaves the matrix exactly, or undefined
Napi::Value reduction_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        return start_job(info.Env(), info[1].As<Napi::Object>(),
                         [matrix](const Control& control) -> Resolve {
                           std::optional<ReductionFacts> facts;
                           const Reduction* const found = matrix->reduction(control);
                           if (found != nullptr) facts = facts_of(*found);
                           return [facts](Napi::Env env) -> Napi::Value {
                             return facts ? to_object(env, *facts) : env.Undefined();
                           };
                         });
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// countOperatorEigenvalues(operator, way, request, options) → job of { lower, upper, threshold,
/// uncertainty }
Napi::Value count_operator_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const DenseWay way = to_way(*matrix, info[1].As<Napi::Object>());
        CountRequest request = to_request(info[2].As<Napi::Object>());
        if (!way.reduces) {
          require_memory(matrix_bytes(*matrix, way, matrix->size()),
                         describe_matrix(matrix->size()), kMatrixAdvice);
        }
        return start_job(info.Env(), info[3].As<Napi::Object>(),
                         [matrix, way, request](const Control& control) -> Resolve {
                           CountRequest inner = request;
                           // λI is in the shift: the matrix is that of the term.
                           inner.shift -= matrix->weight_decay();
                           EigenvalueCount count =
                               count_eigenvalues<T>(*matrix, way, inner, control);
                           count.threshold += matrix->weight_decay();
                           return resolve_count(count);
                         });
      },
      unwrap<OperatorHandle>(info[0]).object);
}

}  // namespace

void register_spectra(Exports& exports) {
  exports.add<reduction_job>("operatorReduction");
  exports.add<operator_eigenvalues_job>("operatorEigenvalues");
  exports.add<operator_eigenpairs_job>("operatorEigenpairs");
  exports.add<count_operator_job>("countOperatorEigenvalues");
}

}  // namespace eigenscape::node
