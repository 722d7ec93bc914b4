// A window that slides over images [channels, height, width]: what convolution and pooling share.
#pragma once

#include <algorithm>

#include "ops/operation.hpp"

namespace eigenscape::ops {

/// One axis: output o, tap t reads input o · stride + t · dilation − before.
struct WindowAxis {
  std::size_t in;
  std::size_t out;
  std::size_t taps;
  std::size_t stride;
  std::size_t dilation;
  std::size_t before;  // padding

  /// The input read, or `in` if it lies in the padding.
  [[nodiscard]] std::size_t input(std::size_t o, std::size_t t) const {
    const std::size_t padded = o * stride + t * dilation;
    return padded >= before && padded - before < in ? padded - before : in;
  }

  /// The outputs [first, last) whose tap t reads no padding, and the input that the first one
  /// reads.
  struct Inside {
    std::size_t first;
    std::size_t last;
    std::size_t input;
  };
  [[nodiscard]] Inside inside(std::size_t t) const {
    const std::size_t offset = t * dilation;
    const std::size_t first = offset >= before ? 0 : (before - offset + stride - 1) / stride;
    const std::size_t end = in + before;  // of the input, in padded places
    const std::size_t last =
        offset >= end ? 0 : std::min(out, (end - offset + stride - 1) / stride);
    if (first >= last) return {0, 0, 0};
    return {first, last, first * stride + offset - before};
  }
};

struct Window {
  std::size_t channels;
  WindowAxis rows;
  WindowAxis columns;

  [[nodiscard]] std::size_t outputs() const { return rows.out * columns.out; }
  [[nodiscard]] std::size_t taps() const { return rows.taps * columns.taps; }
  [[nodiscard]] std::size_t plane() const { return rows.in * columns.in; }
};

/// Reads kernel (height, width), stride (height, width), dilation (height, width) and padding (top,
/// left, bottom, right). Throws ErrorCode::shape if `shape` is no image or the window does not fit.
Window window_of(const char* layer, const Attributes& attributes, const Shape& shape);

/// Shape rule of pooling: one image in, an image with as many channels out. Throws ErrorCode::spec
/// for padding as large as the window, and where a window reads padding alone.
Shape pooled_shape(const char* layer, const Attributes& attributes, std::span<const Shape> inputs);

}  // namespace eigenscape::ops
