// Rows that stay in files: they are read when they are asked for, and become numbers as a dataset
// in memory would hold them.
//
// Row n of the selection is row order[n] of the parts laid end to end; in its file it begins at
// offset + row · stride. Each entry is decoded, divided by `divisor`, rounded to the dataset's
// type, standardized (and rounded) as often as was asked, and converted to the type that reads it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/elements.hpp"
#include "data/file.hpp"
#include "data/row_source.hpp"
#include "data/standardization.hpp"

namespace eigenscape {

struct RowFormat {
  ElementFormat element;
  std::size_t width = 0;   // entries of a row
  std::size_t stride = 0;  // bytes from one row to the next
  double divisor = 1;      // 255 for pixels
  bool single = false;     // whether the dataset keeps float32

  [[nodiscard]] std::size_t row_bytes() const { return width * element.bytes(); }
};

/// Rows of one file.
struct StoredPart {
  std::shared_ptr<const File> file;
  std::uint64_t offset = 0;  // of the first row
  std::size_t count = 0;
};

/// Never changes; may be read by any number of threads, each with its own buffer.
class StoredRows {
 public:
  StoredRows(const RowFormat& format, std::vector<StoredPart> parts);

  [[nodiscard]] std::size_t count() const { return order_ ? order_->size() : total_; }
  [[nodiscard]] std::size_t width() const { return format_.width; }
  [[nodiscard]] bool single() const { return format_.single; }

  /// The rows with these indices, in this order.
  [[nodiscard]] std::shared_ptr<const StoredRows> select(
      std::span<const std::uint32_t> indices) const;
  /// (x − μ)/σ of every column; 0 where σ is 0.
  [[nodiscard]] std::shared_ptr<const StoredRows> standardize(
      std::shared_ptr<const Standardization> step) const;

  /// Neighbouring rows into out [count, width]; asks the system for those that follow. Throws
  /// ErrorCode::data when a file is no longer what it was, or an entry is not finite: the message
  /// names file, row and entry; ErrorCode::numeric when a standardized one is not.
  template <typename T>
  void read(Chunk range, std::span<T> out, RowBuffer<T>& buffer, const Control& control) const;
  /// Rows in any order.
  template <typename T>
  void gather(std::span<const std::uint32_t> indices, std::span<T> out, RowBuffer<T>& buffer,
              const Control& control) const;

 private:
  struct Place {
    const StoredPart* part;
    std::size_t row;  // in the part
  };
  struct Scratch {
    std::vector<std::byte>& bytes;
    std::vector<double>& row;
  };

  [[nodiscard]] std::size_t stored_row(std::size_t n) const { return order_ ? (*order_)[n] : n; }
  [[nodiscard]] Place place_of(std::size_t stored) const;
  void require_unchanged() const;
  void prefetch(std::size_t stored, std::size_t count) const;
  /// `count` neighbours in the files.
  template <typename T>
  void read_run(std::size_t stored, std::size_t count, T* out, Scratch scratch,
                const Control& control) const;
  template <typename T>
  void convert(const Place& place, const std::byte* bytes, std::vector<double>& row, T* out,
               const Control& control) const;
  void refuse(const Place& place, std::size_t entry) const;
  void apply(const Standardization& step, const Place& place, std::vector<double>& row,
             const Control& control) const;

  RowFormat format_;
  std::vector<StoredPart> parts_;
  std::size_t total_ = 0;
  std::optional<std::vector<std::uint32_t>> order_;
  std::vector<std::shared_ptr<const Standardization>> steps_;
  std::array<double, 256> byte_values_{};  // of every byte, where an element is one
};

/// Rows in files as loops over samples read them.
template <typename T>
class FileRows final : public RowSource<T> {
 public:
  explicit FileRows(std::shared_ptr<const StoredRows> stored) : stored_(std::move(stored)) {}

  std::span<const T> rows(Chunk range, RowBuffer<T>& buffer,
                          const Control& control) const override {
    buffer.rows.resize(range.count * stored_->width());
    stored_->read(range, buffer.rows.span(), buffer, control);
    return buffer.rows.span();
  }
  void gather(std::span<const std::uint32_t> indices, std::span<T> out, RowBuffer<T>& buffer,
              const Control& control) const override {
    stored_->gather(indices, out, buffer, control);
  }
  [[nodiscard]] std::size_t resident_bytes() const override { return 0; }

 private:
  std::shared_ptr<const StoredRows> stored_;
};

}  // namespace eigenscape
