// The basis of Lanczos iterations, and its loops over vectors.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/memory.hpp"
#include "core/thread_pool.hpp"
#include "curvature/rounded_operator.hpp"
#include "linalg/krylov_basis.hpp"
#include "node/bindings.hpp"
#include "node/combination.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"

namespace eigenscape::node {
namespace {

/// A twin in float32 is made while it takes at most this share of free memory.
constexpr std::size_t kRoundedShare = 4;

struct BasisHandle {
  static constexpr napi_type_tag tag{0x9d1f0f5c6a9e4c11ULL, 0x8b0d1d1f2f6a7e07ULL};
  static constexpr const char* name = "basis";
  Either<KrylovBasis> object;
};

/// createBasis(n, capacity, dtype) → handle
Napi::Value create_basis(const Napi::CallbackInfo& info) {
  const std::size_t n = size_of(info[0]);
  const std::size_t capacity = size_of(info[1]);
  const bool single = info[2].ToString().Utf8Value() == "float32";
  const std::size_t bytes =
      krylov_basis_bytes(n, capacity, single ? sizeof(float) : sizeof(double));
  require_memory(bytes,
                 std::to_string(capacity) + " basis vectors of " + std::to_string(n) + " entries",
                 "ask for fewer pairs or probes, a smaller basis, or precision: 'float32'");
  if (single) {
    return wrap(info.Env(), BasisHandle{std::make_shared<KrylovBasis<float>>(n, capacity)}, bytes);
  }
  return wrap(info.Env(), BasisHandle{std::make_shared<KrylovBasis<double>>(n, capacity)}, bytes);
}

template <typename T>
void require_rows(const KrylovBasis<T>& basis, std::size_t first, std::size_t count) {
  if (first > basis.capacity() || count > basis.capacity() - first) {
    throw Error(ErrorCode::internal, "rows beyond the basis");
  }
}

/// Calls `action` with the basis in its precision.
template <typename Action>
Napi::Value with_basis(const Napi::Value& value, const Action& action) {
  return std::visit([&](const auto& basis) -> Napi::Value { return action(basis); },
                    unwrap<BasisHandle>(value).object);
}

/// convertBasisRows(from, count, basis, to, options) → job; rows [to, to + count) become the first
/// `count` of another basis
Napi::Value convert_rows_job(const Napi::CallbackInfo& info) {
  const std::size_t count = size_of(info[1]);
  const std::size_t to = size_of(info[3]);
  return std::visit(
      [&](const auto& source, const auto& basis) -> Napi::Value {
        require_rows(*source, 0, count);
        require_rows(*basis, to, count);
        if (source->size() != basis->size())
          throw Error(ErrorCode::internal, "rows of another length");
        return start_job(info.Env(), info[4].As<Napi::Object>(),
                         [=](const Control& control) -> Resolve {
                           parallel_for(control, count, [&](std::size_t i) {
                             std::copy_n(source->row(i), source->size(), basis->row(to + i));
                           });
                           return [](Napi::Env env) { return env.Undefined(); };
                         });
      },
      unwrap<BasisHandle>(info[0]).object, unwrap<BasisHandle>(info[2]).object);
}

/// multiplyBasis(basis, combination, { from, count, to, stride }, options) → job: rows to +
/// i·stride become its products with rows from + i·stride, i < count
Napi::Value multiply_job(const Napi::CallbackInfo& info) {
  const auto matrix = to_combination(info[1]);
  const auto rows = info[2].As<Napi::Object>();
  const std::size_t from = size_of(rows.Get("from"));
  const std::size_t count = size_of(rows.Get("count"));
  const std::size_t to = size_of(rows.Get("to"));
  const std::size_t stride = size_of(rows.Get("stride"));
  return with_basis(
      info[0], [&]<typename T>(const std::shared_ptr<KrylovBasis<T>>& basis) -> Napi::Value {
        const std::size_t reach = count == 0 ? 0 : (count - 1) * stride + 1;
        require_rows(*basis, from, reach);
        require_rows(*basis, to, reach);
        const bool apart = stride == 1 ? from >= to + count || to >= from + count
                                       : from < to && to - from < stride;
        if (matrix->size() != basis->size() || !apart) {
          throw Error(ErrorCode::internal, "products that do not fit the basis");
        }
        const std::size_t pace = stride * basis->size();
        const RowTile<const T> v{basis->row(from), pace, count};
        const RowTile<T> products{basis->row(to), pace, count};
        require_scratch(*matrix, v, products);
        return start_job(info.Env(), info[3].As<Napi::Object>(),
                         [matrix, basis, v, products](const Control& control) -> Resolve {
                           matrix->apply(v, products, control);
                           return [](Napi::Env env) { return env.Undefined(); };
                         });
      });
}

std::vector<std::size_t> ranks_of(const Napi::Value& value) {
  const auto given = value.As<Napi::Uint32Array>();
  return {given.Data(), given.Data() + given.ElementLength()};
}

/// Calls `action` with the basis, in its precision, and with the entries of an array [ranks, n], in
/// its own.
template <typename Action>
Napi::Value with_rows(const Napi::CallbackInfo& info, std::span<const std::size_t> ranks,
                      const Action& action) {
  return std::visit(
      [&]<typename T, typename U>(const std::shared_ptr<KrylovBasis<T>>& basis,
                                  std::span<const U> /*entries*/) -> Napi::Value {
        for (const std::size_t rank : ranks) require_rows(*basis, rank, 1);
        return action(basis, writable_span_of<U>(info[2], ranks.size() * basis->size()));
      },
      unwrap<BasisHandle>(info[0]).object, entries_of(info[2]));
}

/// copyBasisRows(basis, ranks: Uint32Array, array [ranks, n], options) → job of the array, which
/// then has these rows
Napi::Value copy_basis_rows_job(const Napi::CallbackInfo& info) {
  const std::vector<std::size_t> ranks = ranks_of(info[1]);
  return with_rows(info, ranks, [&](const auto& basis, auto copies) -> Napi::Value {
    return start_job(
        info.Env(), info[3].As<Napi::Object>(),
        [basis, ranks, copies](const Control& control) -> Resolve {
          for (std::size_t i = 0; i < ranks.size(); ++i) {
            control.check();
            std::copy_n(basis->row(ranks[i]), basis->size(), copies.data() + i * basis->size());
          }
          return nullptr;
        },
        info[2]);
  });
}

/// setBasisRows(basis, ranks: Uint32Array, array [ranks, n], options) → job; these rows become
/// those of the array
Napi::Value set_basis_rows_job(const Napi::CallbackInfo& info) {
  const std::vector<std::size_t> ranks = ranks_of(info[1]);
  return with_rows(info, ranks, [&](const auto& basis, auto entries) -> Napi::Value {
    return start_job(
        info.Env(), info[3].As<Napi::Object>(),
        [basis, ranks, entries](const Control& control) -> Resolve {
          for (std::size_t i = 0; i < ranks.size(); ++i) {
            control.check();
            std::copy_n(entries.data() + i * basis->size(), basis->size(), basis->row(ranks[i]));
          }
          return [](Napi::Env env) { return env.Undefined(); };
        },
        {}, info[2]);
  });
}

Resolve resolve_numbers(std::vector<double> numbers) {
  auto held = std::make_shared<std::vector<double>>(std::move(numbers));
  return [held](Napi::Env env) { return to_array<double>(env, *held); };
}

std::uint64_t seed_of(const Napi::Value& value) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value.ToNumber().Int64Value()));
}

/// randomizeBasis(basis, first, count, seed, entries, options) → job
Napi::Value randomize_job(const Napi::CallbackInfo& info) {
  const std::size_t first = size_of(info[1]);
  const std::size_t count = size_of(info[2]);
  const std::uint64_t seed = seed_of(info[3]);
  const RandomEntries entries = info[4].ToString().Utf8Value() == "rademacher"
                                    ? RandomEntries::rademacher
                                    : RandomEntries::normal;
  return with_basis(info[0],
                    [&]<typename T>(const std::shared_ptr<KrylovBasis<T>>& basis) -> Napi::Value {
                      require_rows(*basis, first, count);
                      return start_job(info.Env(), info[5].As<Napi::Object>(),
                                       [=](const Control& control) -> Resolve {
                                         basis->randomize(first, count, seed, entries, control);
                                         return [](Napi::Env env) { return env.Undefined(); };
                                       });
                    });
}

/// orthonormalizeBasis(basis, { base, first, count, near, least, seed }, options) → job of C
/// [count, …]
Napi::Value orthonormalize_job(const Napi::CallbackInfo& info) {
  const auto what = info[1].As<Napi::Object>();
  const std::size_t base = size_of(what.Get("base"));
  const std::size_t first = size_of(what.Get("first"));
  const std::size_t count = size_of(what.Get("count"));
  const std::size_t near = what.Has("near") ? size_of(what.Get("near")) : 0;
  const double least = number_of(what, "least");
  const std::uint64_t seed = seed_of(what.Get("seed"));
  return with_basis(
      info[0], [&]<typename T>(const std::shared_ptr<KrylovBasis<T>>& basis) -> Napi::Value {
        require_rows(*basis, first, count);
        if (base > first) throw Error(ErrorCode::internal, "base is beyond first");
        return start_job(
            info.Env(), info[2].As<Napi::Object>(), [=](const Control& control) -> Resolve {
              return resolve_numbers(
                  basis->orthonormalize(base, first, count, near, least, seed, control));
            });
      });
}

/// rotateBasis(basis, from, to, s [to, from], moved, options) → job
Napi::Value rotate_job(const Napi::CallbackInfo& info) {
  const std::size_t from = size_of(info[1]);
  const std::size_t to = size_of(info[2]);
  auto s = std::make_shared<std::vector<double>>(to_vector<double>(info[3]));
  const std::size_t moved = size_of(info[4]);
  return with_basis(info[0],
                    [&]<typename T>(const std::shared_ptr<KrylovBasis<T>>& basis) -> Napi::Value {
                      require_rows(*basis, from, moved);
                      if (to > from || s->size() != to * from) {
                        throw Error(ErrorCode::internal, "a rotation of another shape");
                      }
                      return start_job(info.Env(), info[5].As<Napi::Object>(),
                                       [=](const Control& control) -> Resolve {
                                         basis->rotate(from, to, *s, moved, control);
                                         return [](Napi::Env env) { return env.Undefined(); };
                                       });
                    });
}

/// basisResiduals(basis, first, theta, options) → job of norms
Napi::Value residuals_job(const Napi::CallbackInfo& info) {
  const std::size_t first = size_of(info[1]);
  auto theta = std::make_shared<std::vector<double>>(to_vector<double>(info[2]));
  return with_basis(
      info[0], [&]<typename T>(const std::shared_ptr<KrylovBasis<T>>& basis) -> Napi::Value {
        require_rows(*basis, first, theta->size());
        return start_job(info.Env(), info[3].As<Napi::Object>(),
                         [=](const Control& control) -> Resolve {
                           return resolve_numbers(basis->residuals(first, *theta, control));
                         });
      });
}

/// basisProducts(basis, first, count, base, others, options) → job of [count, others]
Napi::Value products_job(const Napi::CallbackInfo& info) {
  const std::size_t first = size_of(info[1]);
  const std::size_t count = size_of(info[2]);
  const std::size_t base = size_of(info[3]);
  const std::size_t others = size_of(info[4]);
  return with_basis(
      info[0], [&]<typename T>(const std::shared_ptr<KrylovBasis<T>>& basis) -> Napi::Value {
        require_rows(*basis, first, count);
        require_rows(*basis, base, others);
        return start_job(
            info.Env(), info[5].As<Napi::Object>(), [=](const Control& control) -> Resolve {
              return resolve_numbers(basis->products(first, count, base, others, control));
            });
      });
}

/// Probes of which each has its own run of `stride` rows: row `step` of each run is v; the product
/// A·v was put into row step + 1, and becomes the next Lanczos vector there.
/// advanceProbes(basis, probes, stride, step, leasts, options) → job of [probes, 3]: α, β, ‖Av‖²
Napi::Value advance_job(const Napi::CallbackInfo& info) {
  const std::size_t probes = size_of(info[1]);
  const std::size_t stride = size_of(info[2]);
  const std::size_t step = size_of(info[3]);
  auto leasts = std::make_shared<std::vector<double>>(to_vector<double>(info[4]));
  return with_basis(
      info[0], [&]<typename T>(const std::shared_ptr<KrylovBasis<T>>& basis) -> Napi::Value {
        require_rows(*basis, 0, probes * stride);
        if (step + 1 >= stride || leasts->size() != probes) {
          throw Error(ErrorCode::internal, "a step beyond the rows of a probe");
        }
        return start_job(info.Env(), info[5].As<Napi::Object>(),
                         [=](const Control& control) -> Resolve {
                           std::vector<double> results(3 * probes);
                           // One thread to a probe; its bits do not depend on threads, so neither
                           // do these.
                           parallel_for(control, probes, [&](std::size_t probe) {
                             const Control alone(&control);
                             const std::size_t base = probe * stride;
                             const std::size_t next = base + step + 1;
                             const double square = basis->products(next, 1, next, 1, alone)[0];
                             const std::vector<double> c = basis->orthonormalize(
                                 base, next, 1, 2, (*leasts)[probe], probe * stride + step, alone);
                             results[3 * probe] = c[step];
                             results[3 * probe + 1] = c[step + 1];
                             results[3 * probe + 2] = square;
                             control.check();
                           });
                           return resolve_numbers(std::move(results));
                         });
      });
}

/// releaseBasis(basis)
Napi::Value release_basis(const Napi::CallbackInfo& info) {
  release<BasisHandle>(info[0]);
  return info.Env().Undefined();
}

/// roundOperator(operator, options) → job of its twin in float32 as a handle, or undefined where
/// there is none, or no room for it
Napi::Value round_operator_job(const Napi::CallbackInfo& info) {
  const auto* const found =
      std::get_if<std::shared_ptr<Operator<double>>>(&unwrap<OperatorHandle>(info[0]).object);
  const auto matrix = found == nullptr ? nullptr : *found;
  return start_job(info.Env(), info[1].As<Napi::Object>(), [matrix](const Control& control) {
    std::shared_ptr<Operator<float>> rounded;
    std::size_t bytes = 0;
    if (matrix != nullptr) {
      bytes = rounded_operator_bytes(*matrix);
      if (bytes <= free_memory() / kRoundedShare) rounded = rounded_operator(*matrix, control);
    }
    if (rounded != nullptr) bytes += rounded->kept_bytes();
    return [rounded, bytes](Napi::Env env) -> Napi::Value {
      return rounded == nullptr ? env.Undefined() : wrap(env, OperatorHandle{rounded}, bytes);
    };
  });
}

}  // namespace

void register_krylov(Exports& exports) {
  exports.add<create_basis>("createBasis");
  exports.add<copy_basis_rows_job>("copyBasisRows");
  exports.add<set_basis_rows_job>("setBasisRows");
  exports.add<convert_rows_job>("convertBasisRows");
  exports.add<multiply_job>("multiplyBasis");
  exports.add<randomize_job>("randomizeBasis");
  exports.add<orthonormalize_job>("orthonormalizeBasis");
  exports.add<rotate_job>("rotateBasis");
  exports.add<residuals_job>("basisResiduals");
  exports.add<products_job>("basisProducts");
  exports.add<advance_job>("advanceProbes");
  exports.add<round_operator_job>("roundOperator");
  exports.add<release_basis>("releaseBasis");
}

}  // namespace eigenscape::node
