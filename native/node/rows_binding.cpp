// Rows of inputs that stay in files, and how the engine takes inputs of either kind.

#include <string>

#include "core/memory.hpp"
#include "node/bindings.hpp"
#include "node/convert.hpp"
#include "node/handles.hpp"
#include "node/job.hpp"

namespace eigenscape::node {
namespace {

const std::shared_ptr<const StoredRows>& stored_of(const Napi::Value& value) {
  return std::get<0>(unwrap<RowsHandle>(value).object);
}

Napi::Value wrap_rows(Napi::Env env, std::shared_ptr<const StoredRows> rows) {
  constexpr std::size_t kIndexBytes = sizeof(std::uint32_t);
  const std::size_t bytes = rows->count() * kIndexBytes;
  return wrap(env, RowsHandle{std::move(rows)}, bytes);
}

/// Nanoseconds since 1970.
std::int64_t to_time(const Napi::Value& value) {
  bool lossless = false;
  return value.As<Napi::BigInt>().Int64Value(&lossless);
}

/// { path, size, modified: bigint, offset, count }
StoredPart to_part(const Napi::Object& object, const RowFormat& format) {
  const FileState state{size_of(object.Get("size")), to_time(object.Get("modified"))};
  StoredPart part{std::make_shared<const File>(string_of(object, "path"), state),
                  size_of(object.Get("offset")), size_of(object.Get("count"))};
  const std::size_t end = part.offset + (part.count - 1) * format.stride + format.row_bytes();
  if (part.count == 0 || part.offset > state.size || end > state.size) {
    throw Error(ErrorCode::internal, "the rows do not fit the file");
  }
  return part;
}

/// openRows({ element, swapped, divisor, width, stride, dtype, parts }) → handle; holds the files
/// open until the handle and all that were made from it are released.
Napi::Value open_rows(const Napi::CallbackInfo& info) {
  const auto object = info[0].As<Napi::Object>();
  RowFormat format;
  format.element = {to_element(string_of(object, "element")), boolean_of(object, "swapped")};
  format.divisor = number_of(object, "divisor");
  format.width = size_of(object.Get("width"));
  format.stride = size_of(object.Get("stride"));
  format.single = string_of(object, "dtype") == "float32";
  if (format.width == 0 || format.stride < format.row_bytes()) {
    throw Error(ErrorCode::internal, "the rows overlap");
  }
  std::vector<StoredPart> parts;
  const auto list = object.Get("parts").As<Napi::Array>();
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    parts.push_back(to_part(list.Get(i).As<Napi::Object>(), format));
  }
  return wrap_rows(info.Env(), std::make_shared<const StoredRows>(format, std::move(parts)));
}

/// selectRows(rows, Uint32Array?) → handle of the rows with these indices; without, of the same
/// rows
Napi::Value select_rows(const Napi::CallbackInfo& info) {
  const std::shared_ptr<const StoredRows>& rows = stored_of(info[0]);
  if (!info[1].IsTypedArray()) return wrap_rows(info.Env(), rows);
  const auto list = info[1].As<Napi::Uint32Array>();
  const std::span<const std::uint32_t> indices(list.Data(), list.ElementLength());
  for (const std::uint32_t index : indices) {
    if (index >= rows->count()) throw Error(ErrorCode::internal, "a row is not in the data");
  }
  return wrap_rows(info.Env(), rows->select(indices));
}

/// [{ rows, weights? }]
std::vector<WeightedRows> to_weighted(const Napi::Array& list, std::size_t width) {
  std::vector<WeightedRows> over;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    const auto object = list.Get(i).As<Napi::Object>();
    WeightedRows part{stored_of(object.Get("rows")), {}};
    const Napi::Value weights = object.Get("weights");
    if (weights.IsTypedArray()) part.weights = to_vector<double>(weights);
    if (part.rows->width() != width ||
        (!part.weights.empty() && part.weights.size() != part.rows->count())) {
      throw Error(ErrorCode::internal, "the rows of the scales do not fit");
    }
    over.push_back(std::move(part));
  }
  return over;
}

/// standardizeRows(rows, { means, deviations } | [{ rows, weights? }]) → handle; scales over rows
/// are found when they are first needed.
Napi::Value standardize_rows(const Napi::CallbackInfo& info) {
  const std::shared_ptr<const StoredRows>& rows = stored_of(info[0]);
  std::shared_ptr<const Standardization> step;
  if (info[1].IsArray()) {
    step = std::make_shared<const Standardization>(
        to_weighted(info[1].As<Napi::Array>(), rows->width()));
  } else {
    const auto object = info[1].As<Napi::Object>();
    ColumnScales scales{to_vector<double>(object.Get("means")),
                        to_vector<double>(object.Get("deviations"))};
    if (scales.means.size() != rows->width() || scales.deviations.size() != rows->width()) {
      throw Error(ErrorCode::internal, "the scales do not fit the rows");
    }
    step = std::make_shared<const Standardization>(std::move(scales));
  }
  return wrap_rows(info.Env(), rows->standardize(std::move(step)));
}

/// All rows, in the dataset's type.
template <typename T>
void read_all(const StoredRows& rows, std::span<T> values, const Control& control) {
  RowBuffer<T> buffer;
  constexpr std::size_t kRowsAtOnce = 256;
  for (std::size_t first = 0; first < rows.count(); first += kRowsAtOnce) {
    control.check();
    const std::size_t count = std::min(kRowsAtOnce, rows.count() - first);
    rows.read({first, count}, values.subspan(first * rows.width(), count * rows.width()), buffer,
              control);
    control.report("reading", static_cast<double>(first + count),
                   static_cast<double>(rows.count()));
  }
}

/// readRows(rows, array [count, width], options) → job of the rows, in the dataset's type
Napi::Value read_rows(const Napi::CallbackInfo& info) {
  const std::shared_ptr<const StoredRows> rows = stored_of(info[0]);
  const std::size_t entries = rows->count() * rows->width();
  const auto read_in = [&]<typename T>(T /*type*/) {
    const std::span<T> values = writable_span_of<T>(info[1], entries);
    return start_job(
        info.Env(), info[2].As<Napi::Object>(),
        [rows, values](const Control& control) -> Resolve {
          read_all<T>(*rows, values, control);
          return nullptr;
        },
        info[1]);
  };
  return rows->single() ? read_in(float{}) : read_in(double{});
}

}  // namespace

template <typename T>
std::shared_ptr<const RowSource<T>> to_inputs(const Napi::Value& value, std::size_t count,
                                              std::size_t width) {
  if (value.IsExternal()) {
    const std::shared_ptr<const StoredRows>& rows = stored_of(value);
    if (rows->count() != count || rows->width() != width) {
      throw Error(ErrorCode::shape, "the streamed inputs do not fit count × inputSize");
    }
    return std::make_shared<const FileRows<T>>(rows);
  }
  const std::vector<T> values = to_vector<T>(value);
  if (values.size() != count * width) {
    throw Error(ErrorCode::shape, "the inputs do not fit count × inputSize");
  }
  return std::make_shared<const MemoryRows<T>>(width, values);
}

template std::shared_ptr<const RowSource<double>> to_inputs(const Napi::Value&, std::size_t,
                                                            std::size_t);
template std::shared_ptr<const RowSource<float>> to_inputs(const Napi::Value&, std::size_t,
                                                           std::size_t);

void register_rows(Exports& exports) {
  exports.add<open_rows>("openRows");
  exports.add<select_rows>("selectRows");
  exports.add<standardize_rows>("standardizeRows");
  exports.add<read_rows>("readRows");
}

}  // namespace eigenscape::node
