// Operators and dense matrices: products, assembly, eigenvalues, eigenpairs.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "core/aligned_buffer.hpp"
#include "core/finite.hpp"
#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "curvature/assembly.hpp"
#include "curvature/chain_reduction.hpp"
#include "curvature/diagonal.hpp"
#include "curvature/gram.hpp"
#include "curvature/kronecker.hpp"
#include "eigensolver/dense_symmetric.hpp"
#include "eigensolver/inertia.hpp"
#include "linalg/symmetric_part.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"
#include "node/reduction.hpp"

namespace eigenscape::node {
namespace {

constexpr const char* kAdvice =
    "products with vectors need no matrix: operator.apply(vectors, count)";

/// Bytes that are taken without a look at what is free, which takes as long as eigenvalues do at
/// n = 30.
constexpr std::size_t kUnasked = std::size_t{4} << 20U;

std::string describe(std::size_t n) { return "a dense matrix of order " + std::to_string(n); }

/// operatorSize(operator) → M
Napi::Value operator_size(const Napi::CallbackInfo& info) {
  return std::visit(
      [&](const auto& matrix) -> Napi::Value {
        return Napi::Number::New(info.Env(), static_cast<double>(matrix->size()));
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// applyOperator(operator, vectors, count, options) → job of the products [count, M]; both arrays
/// stay where they are
Napi::Value apply_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const std::size_t count = size_of(info[2]);
        const std::span<const T> vectors = span_of<T>(info[1]);
        if (vectors.size() != count * matrix->size()) {
          throw Error(ErrorCode::shape, "the vectors do not fit the operator");
        }
        auto array = Napi::TypedArrayOf<T>::New(info.Env(), vectors.size());
        const std::span<T> products(array.Data(), vectors.size());
        return start_job(
            info.Env(), info[3].As<Napi::Object>(),
            [matrix, vectors, count, products](const Control& control) -> Resolve {
              matrix->apply(count, vectors, products, control);
              return nullptr;
            },
            array, info[1]);
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// firstNotFinite(array) → index of its first entry that is not finite, or its length
Napi::Value first_not_finite_of(const Napi::CallbackInfo& info) {
  const bool single = info[0].IsTypedArray() &&
                      info[0].As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  const std::size_t index = single ? first_not_finite(span_of<float>(info[0]))
                                   : first_not_finite(span_of<double>(info[0]));
  return Napi::Number::New(info.Env(), static_cast<double>(index));
}

enum class GramUse { never, where_smaller, always };

struct DenseWay {
  Route route;
  std::size_t block;              // unit vectors at once
  bool reduces;                   // where the route is the closed form
  GramUse gram = GramUse::never;  // of eigenvalues
};

const char* name_of(Route route) { return route == Route::closed_form ? "closedForm" : "products"; }

/// { via: 'auto' | 'closedForm' | 'products' | 'gram', blockSize, reduce: 'exact' | false }
template <typename T>
DenseWay to_way(const Operator<T>& matrix, const Napi::Object& object) {
  const std::string via = string_of(object, "via");
  const std::size_t block = size_of(object.Get("blockSize"));
  if (block == 0) throw Error(ErrorCode::spec, "blockSize must be at least 1");
  const bool reduces = object.Get("reduce").IsString();
  if (via == "closedForm") return {Route::closed_form, block, reduces};
  if (via == "products") return {Route::products, block, false};
  const Route route = choose_route(matrix);
  const GramUse gram = via == "gram" ? GramUse::always
                       : reduces     ? GramUse::where_smaller
                                     : GramUse::never;
  return {route, block, reduces && route == Route::closed_form, gram};
}

template <typename T>
std::size_t workspace_of(const Operator<T>& matrix, const DenseWay& way) {
  return assembly_workspace(matrix, way.route, way.block, default_thread_count());
}

/// Bytes at the peak of assembleOperator, of operatorEigenvalues, and of a block of products.
template <typename T>
std::size_t matrix_bytes(const Operator<T>& matrix, const DenseWay& way) {
  return matrix.size() * matrix.size() * sizeof(T) + workspace_of(matrix, way);
}
/// n is the order of the matrix that is left where the reduction has taken its part.
template <typename T>
std::size_t eigenvalues_bytes(const Operator<T>& matrix, const DenseWay& way, std::size_t n) {
  return n * n * sizeof(T) +
         std::max(workspace_of(matrix, way), symmetric_eigenvalues_workspace(n, sizeof(T)));
}
/// The Gram matrix in place of the matrix.
template <typename T>
std::size_t gram_bytes(const Operator<T>& matrix, std::size_t rows) {
  return rows * rows * sizeof(T) + std::max(gram_workspace(matrix, default_thread_count()),
                                            symmetric_eigenvalues_workspace(rows, sizeof(T)));
}

/// Rows of the Gram matrix where eigenvalues are to come from it, else 0: fewer than the n that are
/// left otherwise, in no more memory, beyond what nobody would miss.
template <typename T>
std::size_t gram_rows_for(const Operator<T>& matrix, const DenseWay& way, std::size_t n) {
  if (way.gram == GramUse::never) return 0;
  const std::size_t rows = gram_rows(matrix);
  if (way.gram == GramUse::always) {
    if (rows > 0) return rows;
    throw Error(ErrorCode::spec,
                "via: 'gram' is for sums of squares: gaussNewton and monteCarloFisher of a loss "
                "that the library knows, empiricalFisher and gradientCovariance; use via: 'auto' "
                "here");
  }
  const bool smaller = rows > 0 && rows < n;
  const std::size_t allowed = std::max(eigenvalues_bytes(matrix, way, n), kUnasked);
  return smaller && gram_bytes(matrix, rows) <= allowed ? rows : 0;
}

template <typename T>
std::size_t products_bytes(const Operator<T>& matrix, std::size_t count) {
  return 2 * count * matrix.size() * sizeof(T) +
         matrix.apply_workspace(count, default_thread_count());
}

/// plannedMemory(operator, way, { order, count }) → { matrix, eigenvalues, products }: bytes at the
/// peak, and kept: those that products leave behind for the next ones;
/// gram: { rows, flops, bytes } where eigenvalues come from a Gram matrix instead
Napi::Value planned_memory(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const DenseWay way = to_way(*matrix, info[1].As<Napi::Object>());
        const auto sizes = info[2].As<Napi::Object>();
        const std::size_t order = size_of(sizes.Get("order"));
        const std::size_t count = size_of(sizes.Get("count"));
        const Napi::Object bytes = Napi::Object::New(info.Env());
        bytes.Set("matrix", static_cast<double>(matrix_bytes(*matrix, way)));
        bytes.Set("eigenvalues", static_cast<double>(eigenvalues_bytes(*matrix, way, order)));
        bytes.Set("products", static_cast<double>(products_bytes(*matrix, count)));
        bytes.Set("kept", static_cast<double>(matrix->kept_bytes()));
        const std::size_t rows = gram_rows_for(*matrix, way, order);
        if (rows > 0) {
          const Napi::Object gram = Napi::Object::New(info.Env());
          gram.Set("rows", static_cast<double>(rows));
          gram.Set("flops", gram_flops(*matrix));
          gram.Set("bytes", static_cast<double>(gram_bytes(*matrix, rows)));
          bytes.Set("gram", gram);
        }
        return bytes;
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// assembleOperator(operator, way, options) → job of the matrix [M, M], written in place
Napi::Value assemble_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const DenseWay way = to_way(*matrix, info[1].As<Napi::Object>());
        const std::size_t n = matrix->size();
        make_room(info.Env(), n * n * sizeof(T));
        require_memory(matrix_bytes(*matrix, way), describe(n), kAdvice);
        auto array = Napi::TypedArrayOf<T>::New(info.Env(), n * n);
        const std::span<T> entries(array.Data(), n * n);
        return start_job(
            info.Env(), info[2].As<Napi::Object>(),
            [matrix, way, entries, n](const Control& control) -> Resolve {
              assemble<T>(*matrix, way.route, way.block, entries, control);
              const auto lambda = static_cast<T>(matrix->weight_decay());
              for (std::size_t i = 0; lambda != 0 && i < n; ++i) entries[i * n + i] += lambda;
              return nullptr;
            },
            array);
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// isChain(operator) → whether closed forms hold for it
Napi::Value is_chain(const Napi::CallbackInfo& info) {
  return std::visit(
      [&](const auto& matrix) -> Napi::Value {
        return Napi::Boolean::New(info.Env(), matrix->has_closed_form());
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// operatorDiagonal(operator, options) → job of the diagonal [M]
Napi::Value diagonal_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        return start_job(
            info.Env(), info[1].As<Napi::Object>(), [matrix](const Control& control) -> Resolve {
              auto diagonal = std::make_shared<std::vector<double>>(matrix->size());
              if (matrix->is_kronecker()) {
                matrix->kronecker(control).diagonal(*diagonal);
                for (double& entry : *diagonal) entry += matrix->weight_decay();
              } else {
                chain_diagonal<T>(*matrix, *diagonal, control);
              }
              return [diagonal](Napi::Env env) { return to_array<double>(env, *diagonal); };
            });
      },
      unwrap<OperatorHandle>(info[0]).object);
}

Resolve resolve_spectrum(DenseSpectrum spectrum, AssemblyScale scale, const char* via,
                         const std::optional<ReductionFacts>& reduction = {},
                         std::optional<std::size_t> order = {}) {
  auto held = std::make_shared<DenseSpectrum>(std::move(spectrum));
  return [held, scale, via, reduction, order](Napi::Env env) {
    const Napi::Object result = Napi::Object::New(env);
    result.Set("eigenvalues", to_array<double>(env, held->values));
    result.Set("exactZeros", static_cast<double>(held->exact_zeros));
    result.Set("norm", held->norm);
    result.Set("magnitude", scale.magnitude);
    result.Set("operations", static_cast<double>(scale.operations));
    result.Set("via", via);
    result.Set("reductionError", scale.reduction_error);
    if (order) result.Set("order", static_cast<double>(*order));
    if (reduction) result.Set("reduction", to_object(env, *reduction));
    return result;
  };
}

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
    return resolve_spectrum(std::move(spectrum), {found.magnitude, kronecker_operations(*matrix)},
                            "factors");
  });
}

/// Refuses what does not fit; n is the order of the matrix.
template <typename T>
void require_room_for_eigenvalues(const Operator<T>& matrix, const DenseWay& way, std::size_t n) {
  require_memory(eigenvalues_bytes(matrix, way, n), describe(n), kAdvice);
}

/// The eigenvalues of the Gram matrix, and zeros up to the order of the matrix; of more rows than
/// that, those that are largest, since the others are 0.
template <typename T>
Resolve compute_gram_eigenvalues(const Operator<T>& matrix, std::size_t rows,
                                 const Control& control) {
  require_memory(gram_bytes(matrix, rows), describe(rows), kAdvice);
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
  return resolve_spectrum(std::move(spectrum), scale, "gram", {}, rows);
}

/// The eigenvalues of the reduced matrix, and zeros in place of what the reduction took out.
template <typename T>
Resolve compute_eigenvalues(const Operator<T>& matrix, const DenseWay& way,
                            const Control& control) {
  const ChainReduction<T>* const reduction = way.reduces ? matrix.reduction(control) : nullptr;
  const std::size_t n = reduction == nullptr ? matrix.size() : reduction->size();
  const std::size_t rows = gram_rows_for(matrix, way, n);
  if (rows > 0) return compute_gram_eigenvalues(matrix, rows, control);
  require_room_for_eigenvalues(matrix, way, n);
  AlignedBuffer<T> entries(n * n);
  const AssemblyScale scale =
      reduction == nullptr ? assemble<T>(matrix, way.route, way.block, entries.span(), control)
                           : assemble_reduced<T>(matrix, *reduction, entries.span(), control);
  DenseSpectrum spectrum = symmetric_eigenvalues<T>(n, entries.span(), control);
  add_zeros(spectrum, matrix.size() - n);
  shift(spectrum.values, matrix.weight_decay());
  std::optional<ReductionFacts> facts;
  if (reduction != nullptr) facts = facts_of(*reduction);
  return resolve_spectrum(std::move(spectrum), scale, name_of(way.route), facts);
}

/// operatorEigenvalues(operator, way, options) → job of { eigenvalues, exactZeros, norm,
/// magnitude, operations, via, reductionError, reduction? }
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

EigenpairRange to_range(const Napi::Object& object, std::size_t n) {
  const EigenpairRange range{size_of(object.Get("first")), size_of(object.Get("last"))};
  if (range.first > range.last || range.last > n) {
    throw Error(ErrorCode::internal, "the ranks do not fit the matrix");
  }
  return range;
}

/// operatorEigenpairs(operator, way, { first, last }, options) → job of { values, vectors,
/// residualNorms }
Napi::Value operator_eigenpairs_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const DenseWay way = to_way(*matrix, info[1].As<Napi::Object>());
        const std::size_t n = matrix->size();
        const EigenpairRange range = to_range(info[2].As<Napi::Object>(), n);
        require_memory(
            n * n * sizeof(T) + std::max(workspace_of(*matrix, way),
                                         symmetric_eigenpairs_workspace(n, sizeof(T), range)),
            "eigenpairs of " + describe(n), kAdvice);
        return start_job(info.Env(), info[3].As<Napi::Object>(),
                         [matrix, way, n, range](const Control& control) -> Resolve {
                           AlignedBuffer<T> entries(n * n);
                           assemble<T>(*matrix, way.route, way.block, entries.span(), control);
                           DenseEigenpairs<T> pairs =
                               symmetric_eigenpairs<T>(n, entries.span(), range, control);
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
                           const ChainReduction<T>* const found = matrix->reduction(control);
                           if (found != nullptr) facts = facts_of(*found);
                           return [facts](Napi::Env env) -> Napi::Value {
                             return facts ? to_object(env, *facts) : env.Undefined();
                           };
                         });
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// Calls `action` with a copy of the matrix in a Float64Array or Float32Array of n² entries.
template <typename Action>
Napi::Value with_matrix(const Napi::Value& value, std::size_t n, const Action& action) {
  const bool single =
      value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  const auto call = [&]<typename T>(T /*type*/) {
    auto entries = std::make_shared<std::vector<T>>(to_vector<T>(value));
    if (entries->size() != n * n) throw Error(ErrorCode::shape, "the matrix is not n × n");
    return action(entries);
  };
  return single ? call(float{}) : call(double{});
}

/// Fresh pages cost more than what is written to them: threads share them.
template <typename T>
void copy_in_parallel(std::span<const T> from, std::span<T> to, const Control& control) {
  constexpr std::size_t kEntries = std::size_t{1} << 16U;
  parallel_for(control, (from.size() + kEntries - 1) / kEntries, [&](std::size_t part) {
    const std::size_t first = part * kEntries;
    const auto entries = from.subspan(first, std::min(kEntries, from.size() - first));
    std::copy(entries.begin(), entries.end(), to.begin() + static_cast<std::ptrdiff_t>(first));
  });
}

/// Calls `action` with the entries of a Float64Array or Float32Array of n² where they are.
template <typename Action>
Napi::Value with_entries(const Napi::Value& value, std::size_t n, const Action& action) {
  const bool single =
      value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  return single ? action(writable_span_of<float>(value, n * n))
                : action(writable_span_of<double>(value, n * n));
}

Napi::Value to_object(Napi::Env env, const MatrixFault& fault) {
  const Napi::Object result = Napi::Object::New(env);
  const bool finite = fault.kind == MatrixFault::Kind::asymmetric;
  result.Set("kind", finite ? "asymmetric" : "notFinite");
  result.Set("row", static_cast<double>(fault.row));
  result.Set("column", static_cast<double>(fault.column));
  return result;
}

/// symmetrizeMatrix(matrix, n, tolerance, options) → job of undefined, or of why it is refused: {
/// kind: 'notFinite' | 'asymmetric', row, column }; written in place
Napi::Value symmetrize_job(const Napi::CallbackInfo& info) {
  const std::size_t n = size_of(info[1]);
  const double tolerance = info[2].ToNumber().DoubleValue();
  return with_entries(info[0], n, [&]<typename T>(std::span<T> entries) -> Napi::Value {
    return start_job(
        info.Env(), info[3].As<Napi::Object>(),
        [entries, n, tolerance](const Control& control) -> Resolve {
          const auto fault = make_symmetric<T>(n, entries, tolerance, control);
          return [fault](Napi::Env env) -> Napi::Value {
            return fault ? to_object(env, *fault) : env.Undefined();
          };
        },
        info[0]);
  });
}

/// Symmetrizes a matrix, and solves it; destroys it.
template <typename T>
Resolve solve_matrix(std::size_t n, std::span<T> a, double tolerance, const Control& control) {
  if (const auto fault = make_symmetric<T>(n, a, tolerance, control)) {
    return [fault = *fault](Napi::Env env) { return to_object(env, fault); };
  }
  return resolve_spectrum(symmetric_eigenvalues<T>(n, a, control), {}, "matrix");
}

/// matrixEigenvalues(matrix, n, { tolerance, keeps }, options) → job as operatorEigenvalues, or of
/// why the matrix is refused, as symmetrizeMatrix; it is overwritten unless `keeps`
Napi::Value matrix_eigenvalues_job(const Napi::CallbackInfo& info) {
  const std::size_t n = size_of(info[1]);
  const auto way = info[2].As<Napi::Object>();
  const double tolerance = way.Get("tolerance").ToNumber().DoubleValue();
  const bool keeps = way.Get("keeps").ToBoolean();
  return with_entries(info[0], n, [&]<typename T>(std::span<T> entries) -> Napi::Value {
    const std::size_t bytes =
        (keeps ? entries.size_bytes() : 0) + symmetric_eigenvalues_workspace(n, sizeof(T));
    if (bytes > kUnasked) require_memory(bytes, "to solve " + describe(n), kAdvice);
    return start_job(
        info.Env(), info[3].As<Napi::Object>(),
        [entries, n, tolerance, keeps](const Control& control) -> Resolve {
          if (!keeps) return solve_matrix<T>(n, entries, tolerance, control);
          AlignedBuffer<T> copy(entries.size());
          copy_in_parallel<T>(entries, copy.span(), control);
          return solve_matrix<T>(n, copy.span(), tolerance, control);
        },
        keeps ? Napi::Value{} : info[0], keeps ? info[0] : Napi::Value{});
  });
}

/// matrixEigenpairs(matrix, n, { first, last }, options) → job as operatorEigenpairs
Napi::Value matrix_eigenpairs_job(const Napi::CallbackInfo& info) {
  const std::size_t n = size_of(info[1]);
  const EigenpairRange range = to_range(info[2].As<Napi::Object>(), n);
  require_memory(n * n * sizeof(double) + symmetric_eigenpairs_workspace(n, sizeof(double), range),
                 "eigenpairs of " + describe(n), kAdvice);
  return with_matrix(
      info[0], n, [&]<typename T>(std::shared_ptr<std::vector<T>> entries) -> Napi::Value {
        return start_job(
            info.Env(), info[3].As<Napi::Object>(),
            [entries, n, range](const Control& control) -> Resolve {
              return resolve_pairs(symmetric_eigenpairs<T>(n, *entries, range, control));
            });
      });
}

/// { shift, tolerance?: number }
CountRequest to_request(const Napi::Object& object) {
  CountRequest request;
  request.shift = number_of(object, "shift");
  if (object.Get("tolerance").IsNumber()) request.tolerance = number_of(object, "tolerance");
  return request;
}

Resolve resolve_count(const EigenvalueCount& count) {
  return [count](Napi::Env env) {
    const Napi::Object result = Napi::Object::New(env);
    result.Set("lower", static_cast<double>(count.lower));
    result.Set("upper", static_cast<double>(count.upper));
    result.Set("threshold", count.threshold);
    result.Set("uncertainty", count.uncertainty);
    return result;
  };
}

/// countOperatorEigenvalues(operator, way, request, options) → job of { lower, upper, threshold,
/// uncertainty }
Napi::Value count_operator_job(const Napi::CallbackInfo& info) {
  return std::visit(
      [&]<typename T>(const std::shared_ptr<Operator<T>>& matrix) -> Napi::Value {
        const DenseWay way = to_way(*matrix, info[1].As<Napi::Object>());
        const CountRequest request = to_request(info[2].As<Napi::Object>());
        const std::size_t n = matrix->size();
        require_memory(matrix_bytes(*matrix, way), describe(n), kAdvice);
        return start_job(
            info.Env(), info[3].As<Napi::Object>(),
            [matrix, way, n, request](const Control& control) -> Resolve {
              AlignedBuffer<T> entries(n * n);
              const AssemblyScale scale =
                  assemble<T>(*matrix, way.route, way.block, entries.span(), control);
              CountRequest inner = request;
              // λI is in the shift: the matrix is that of the term.
              inner.shift -= matrix->weight_decay();
              inner.assembly_error = static_cast<double>(std::numeric_limits<T>::epsilon()) *
                                     static_cast<double>(scale.operations) * scale.magnitude;
              EigenvalueCount count = count_eigenvalues_below<T>(n, entries.span(), inner, control);
              count.threshold += matrix->weight_decay();
              return resolve_count(count);
            });
      },
      unwrap<OperatorHandle>(info[0]).object);
}

/// countMatrixEigenvalues(matrix, n, request, options) → job as countOperatorEigenvalues
Napi::Value count_matrix_job(const Napi::CallbackInfo& info) {
  const std::size_t n = size_of(info[1]);
  const CountRequest request = to_request(info[2].As<Napi::Object>());
  require_memory(n * n * sizeof(double), "the copy of " + describe(n), kAdvice);
  return with_matrix(
      info[0], n, [&]<typename T>(std::shared_ptr<std::vector<T>> entries) -> Napi::Value {
        return start_job(
            info.Env(), info[3].As<Napi::Object>(),
            [entries, n, request](const Control& control) -> Resolve {
              return resolve_count(count_eigenvalues_below<T>(n, *entries, request, control));
            });
      });
}

}  // namespace

void register_operators(Exports& exports) {
  exports.add<operator_size>("operatorSize");
  exports.add<apply_job>("applyOperator");
  exports.add<first_not_finite_of>("firstNotFinite");
  exports.add<planned_memory>("plannedMemory");
  exports.add<assemble_job>("assembleOperator");
  exports.add<is_chain>("isChain");
  exports.add<diagonal_job>("operatorDiagonal");
  exports.add<count_operator_job>("countOperatorEigenvalues");
  exports.add<count_matrix_job>("countMatrixEigenvalues");
  exports.add<reduction_job>("operatorReduction");
  exports.add<operator_eigenvalues_job>("operatorEigenvalues");
  exports.add<operator_eigenpairs_job>("operatorEigenpairs");
  exports.add<symmetrize_job>("symmetrizeMatrix");
  exports.add<matrix_eigenvalues_job>("matrixEigenvalues");
  exports.add<matrix_eigenpairs_job>("matrixEigenpairs");
}

}  // namespace eigenscape::node
