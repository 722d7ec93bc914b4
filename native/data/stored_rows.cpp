#include "data/stored_rows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <utility>

#include "core/error.hpp"

namespace eigenscape {
namespace {

/// Bytes of one read: large against the price of a call, small against the cache.
constexpr std::size_t kReadBytes = std::size_t{256} << 10;

void round_to_single(std::vector<double>& row) {
  for (double& value : row) value = static_cast<double>(static_cast<float>(value));
}

/// The first entry that is not finite, or the size. The loop over all vectorises: adding 1 to an
/// exponent of ones alone carries into the sign.
std::size_t find_bad(const std::vector<double>& row) {
  constexpr std::uint64_t kExponent = 0x7ff0000000000000U;
  constexpr std::uint64_t kOne = 0x0010000000000000U;
  std::uint64_t carries = 0;
  for (const double value : row)
    carries |= (std::bit_cast<std::uint64_t>(value) & kExponent) + kOne;
  if ((carries >> 63U) == 0) return row.size();
  const auto bad = std::ranges::find_if(row, [](double value) { return !std::isfinite(value); });
  return static_cast<std::size_t>(bad - row.begin());
}

std::string row_of(const File& file, std::size_t row) {
  return file.path() + ": row " + std::to_string(row);
}

}  // namespace

StoredRows::StoredRows(const RowFormat& format, std::vector<StoredPart> parts)
    : format_(format), parts_(std::move(parts)) {
  for (const StoredPart& part : parts_) total_ += part.count;
  if (format_.element.bytes() != 1) return;
  std::array<std::byte, 256> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  decode(format_.element, bytes, byte_values_);
  for (double& value : byte_values_) {
    value /= format_.divisor;
    if (format_.single) value = static_cast<double>(static_cast<float>(value));
  }
}

std::shared_ptr<const StoredRows> StoredRows::select(std::span<const std::uint32_t> indices) const {
  auto selected = std::make_shared<StoredRows>(*this);
  std::vector<std::uint32_t> order(indices.begin(), indices.end());
  if (order_) {
    for (std::uint32_t& index : order) index = (*order_)[index];
  }
  selected->order_ = std::move(order);
  return selected;
}

std::shared_ptr<const StoredRows> StoredRows::standardize(
    std::shared_ptr<const Standardization> step) const {
  auto standardized = std::make_shared<StoredRows>(*this);
  standardized->steps_.push_back(std::move(step));
  return standardized;
}

StoredRows::Place StoredRows::place_of(std::size_t stored) const {
  const StoredPart* part = parts_.data();
  while (stored >= part->count) {
    stored -= part->count;
    ++part;
  }
  return {part, stored};
}

void StoredRows::require_unchanged() const {
  for (const StoredPart& part : parts_) part.file->require_unchanged();
}

void StoredRows::prefetch(std::size_t stored, std::size_t count) const {
  if (stored >= total_) return;
  const auto [part, row] = place_of(stored);
  part->file->prefetch(part->offset + row * format_.stride,
                       std::min(count, part->count - row) * format_.stride);
}

template <typename T>
void StoredRows::read(Chunk range, std::span<T> out, RowBuffer<T>& buffer,
                      const Control& control) const {
  const std::size_t end = range.first + range.count;
  std::size_t next = 0;
  for (std::size_t n = range.first; n < end;) {
    const std::size_t first = stored_row(n);
    std::size_t count = 1;
    while (n + count < end && stored_row(n + count) == first + count) ++count;
    read_run(first, count, out.data() + (n - range.first) * format_.width,
             {buffer.bytes, buffer.row}, control);
    n += count;
    next = first + count;
  }
  if (end < this->count() && stored_row(end) == next) prefetch(next, range.count);
  require_unchanged();
}

template <typename T>
void StoredRows::gather(std::span<const std::uint32_t> indices, std::span<T> out,
                        RowBuffer<T>& buffer, const Control& control) const {
  for (std::size_t i = 0; i < indices.size(); ++i) {
    read_run(stored_row(indices[i]), 1, out.data() + i * format_.width, {buffer.bytes, buffer.row},
             control);
  }
  require_unchanged();
}

template <typename T>
void StoredRows::read_run(std::size_t stored, std::size_t count, T* out, Scratch scratch,
                          const Control& control) const {
  const std::size_t stride = format_.stride;
  const std::size_t at_once = std::max<std::size_t>(1, kReadBytes / stride);
  while (count > 0) {
    Place place = place_of(stored);
    const std::size_t rows = std::min({count, at_once, place.part->count - place.row});
    scratch.bytes.resize((rows - 1) * stride + format_.row_bytes());
    place.part->file->read(place.part->offset + place.row * stride, scratch.bytes);
    for (std::size_t i = 0; i < rows; ++i, ++place.row) {
      convert(place, scratch.bytes.data() + i * stride, scratch.row, out, control);
      out += format_.width;
    }
    stored += rows;
    count -= rows;
  }
}

template <typename T>
void StoredRows::convert(const Place& place, const std::byte* bytes, std::vector<double>& row,
                         T* out, const Control& control) const {
  row.resize(format_.width);
  if (format_.element.bytes() == 1) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = byte_values_[static_cast<std::size_t>(bytes[i])];
    }
  } else {
    decode(format_.element, {bytes, format_.row_bytes()}, row);
    if (format_.divisor != 1) {
      for (double& value : row) value /= format_.divisor;
    }
    if (format_.single) round_to_single(row);
  }
  const std::size_t bad = find_bad(row);
  if (bad < row.size()) refuse(place, bad);
  for (const auto& step : steps_) apply(*step, place, row, control);
  for (std::size_t i = 0; i < row.size(); ++i) out[i] = static_cast<T>(row[i]);
}

void StoredRows::refuse(const Place& place, std::size_t entry) const {
  throw Error(ErrorCode::data, row_of(*place.part->file, place.row) + ", entry " +
                                   std::to_string(entry) +
                                   " is NaN, infinite, no boolean, or an integer beyond 2^53; "
                                   "expected a finite number; mend the file, or leave the row out "
                                   "with subset(indices)");
}

void StoredRows::apply(const Standardization& step, const Place& place, std::vector<double>& row,
                       const Control& control) const {
  const auto& [means, deviations] = step.scales(control);
  for (std::size_t i = 0; i < row.size(); ++i) {
    row[i] = deviations[i] == 0 ? 0 : (row[i] - means[i]) / deviations[i];
  }
  if (format_.single) round_to_single(row);
  const std::size_t bad = find_bad(row);
  if (bad == row.size()) return;
  throw Error(ErrorCode::numeric,
              "standardize: " + row_of(*place.part->file, place.row) + ", column " +
                  std::to_string(bad) + " becomes infinite against a mean of " +
                  std::to_string(means[bad]) + " and a deviation of " +
                  std::to_string(deviations[bad]) + "; remove the row or the column");
}

template void StoredRows::read<double>(Chunk, std::span<double>, RowBuffer<double>&,
                                       const Control&) const;
template void StoredRows::read<float>(Chunk, std::span<float>, RowBuffer<float>&,
                                      const Control&) const;
template void StoredRows::gather<double>(std::span<const std::uint32_t>, std::span<double>,
                                         RowBuffer<double>&, const Control&) const;
template void StoredRows::gather<float>(std::span<const std::uint32_t>, std::span<float>,
                                        RowBuffer<float>&, const Control&) const;

}  // namespace eigenscape
