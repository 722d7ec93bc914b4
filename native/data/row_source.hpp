// Where the rows of a dataset's inputs come from: memory, or files that are read chunk by chunk.
// All loops over samples take their inputs from here, so that they have the same bits either way.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/aligned_buffer.hpp"
#include "core/chunked_sum.hpp"
#include "core/control.hpp"

namespace eigenscape {

/// Scratch of one thread for rows that are not in memory.
template <typename T>
struct RowBuffer {
  AlignedBuffer<T> rows;
  std::vector<std::byte> bytes;  // as they are in the file
  std::vector<double> row;       // one of them, as numbers
};

template <typename T>
class RowSource {
 public:
  RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;
  virtual ~RowSource() = default;

  /// Neighbouring rows [count, width]; they live until the next call with this buffer. May be
  /// called by several threads, each with its own. Throws ErrorCode::data for a file that is no
  /// longer what it was, and for an entry that is not finite.
  virtual std::span<const T> rows(Chunk range, RowBuffer<T>& buffer,
                                  const Control& control) const = 0;
  /// Copies of the rows with these indices, side by side.
  virtual void gather(std::span<const std::uint32_t> indices, std::span<T> out,
                      RowBuffer<T>& buffer, const Control& control) const = 0;
  /// Bytes of the rows in memory; 0 where they stay in a file.
  [[nodiscard]] virtual std::size_t resident_bytes() const = 0;
};

template <typename T>
class MemoryRows final : public RowSource<T> {
 public:
  MemoryRows(std::size_t count, std::size_t width) : width_(width), values_(count * width) {}
  MemoryRows(std::size_t width, std::span<const T> values) : width_(width), values_(values.size()) {
    std::copy(values.begin(), values.end(), values_.data());
  }

  /// To be filled while nobody reads.
  void resize(std::size_t count) { values_.resize(count * width_); }
  [[nodiscard]] std::span<T> values() { return values_.span(); }

  std::span<const T> rows(Chunk range, RowBuffer<T>& /*buffer*/,
                          const Control& /*control*/) const override {
    return values_.span().subspan(range.first * width_, range.count * width_);
  }
  void gather(std::span<const std::uint32_t> indices, std::span<T> out, RowBuffer<T>& /*buffer*/,
              const Control& /*control*/) const override {
    for (std::size_t i = 0; i < indices.size(); ++i) {
      std::copy_n(values_.data() + indices[i] * width_, width_, out.data() + i * width_);
    }
  }
  [[nodiscard]] std::size_t resident_bytes() const override { return values_.size() * sizeof(T); }

 private:
  std::size_t width_;
  AlignedBuffer<T> values_;
};

}  // namespace eigenscape
