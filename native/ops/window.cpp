#include "ops/window.hpp"

#include <array>
#include <iomanip>
#include <sstream>
#include <string>

#include "core/error.hpp"

namespace eigenscape::ops {
namespace {

std::size_t at(const Attributes& attributes, const char* name, std::size_t i,
               std::size_t fallback) {
  const std::span<const double> list = attribute_list(attributes, name);
  return i < list.size() ? static_cast<std::size_t>(list[i]) : fallback;
}

/// A whole number that may be beyond what an integer holds.
std::string number(double value) {
  std::ostringstream text;
  text << std::setprecision(17) << value;
  return text.str();
}

WindowAxis axis(const char* layer, const Attributes& attributes, const Shape& shape,
                std::size_t i) {
  const std::size_t in = shape[i + 1];
  const std::size_t taps = at(attributes, "kernel", i, 1);
  const std::size_t stride = at(attributes, "stride", i, 1);
  const std::size_t dilation = at(attributes, "dilation", i, 1);
  const std::size_t before = at(attributes, "padding", i, 0);
  const std::size_t after = at(attributes, "padding", i + 2, 0);
  if (taps == 0 || stride == 0 || dilation == 0) {
    throw Error(ErrorCode::spec, std::string("a ") + layer +
                                     " layer needs a kernel, stride and dilation of at least 1");
  }
  const std::size_t padded = in + before + after;
  const double reach = static_cast<double>(taps - 1) * static_cast<double>(dilation) + 1;
  if (static_cast<double>(padded) < reach) {
    throw Error(ErrorCode::shape, std::string("the window of a ") + layer + " layer reaches over " +
                                      number(reach) + " entries, but its padded input " +
                                      describe(shape) + " has " + std::to_string(padded));
  }
  const std::size_t steps = (padded - (taps - 1) * dilation - 1) / stride;
  return {in, steps + 1, taps, stride, dilation, before};
}

/// Refuses windows that see nothing but padding: their largest entry would be −∞ and their mean
/// that of nothing. PyTorch and ONNX Runtime refuse padding of the window's size, too.
void require_image_in_windows(const std::string& layer, const Attributes& attributes,
                              const Window& window) {
  for (const std::size_t side : {0U, 1U, 2U, 3U}) {
    const WindowAxis& axis = side % 2 == 0 ? window.rows : window.columns;
    const std::size_t padding = at(attributes, "padding", side, 0);
    const std::size_t reach = (axis.taps - 1) * axis.dilation + 1;
    if (padding < reach) continue;
    constexpr std::array kSides = {"above", "to the left of", "below", "to the right of"};
    throw Error(ErrorCode::spec,
                "the padding of a " + layer + " layer " + kSides.at(side) + " the image is " +
                    std::to_string(padding) + ", but must be smaller than its window there, " +
                    std::to_string(reach) + ": a window of padding alone has no entry to pool");
  }
  for (const WindowAxis& axis : {window.rows, window.columns}) {
    for (std::size_t output = 0; output < axis.out; ++output) {
      std::size_t tap = 0;
      while (tap < axis.taps && axis.input(output, tap) == axis.in) ++tap;
      if (tap < axis.taps) continue;
      throw Error(ErrorCode::spec, "window " + std::to_string(output) + " of a " + layer +
                                       " layer along an axis of " + std::to_string(axis.in) +
                                       " entries reads nothing but padding, dilated by " +
                                       std::to_string(axis.dilation) + "; take less padding");
    }
  }
}

}  // namespace

Window window_of(const char* layer, const Attributes& attributes, const Shape& shape) {
  if (shape.size() != 3) {
    throw Error(ErrorCode::shape,
                std::string("a ") + layer +
                    " layer reads images [channels, height, width], but was given " +
                    describe(shape));
  }
  return {shape[0], axis(layer, attributes, shape, 0), axis(layer, attributes, shape, 1)};
}

Shape pooled_shape(const char* layer, const Attributes& attributes, std::span<const Shape> inputs) {
  if (inputs.size() != 1) {
    throw Error(ErrorCode::shape, std::string("a ") + layer +
                                      " layer reads one layer, but was given " +
                                      std::to_string(inputs.size()));
  }
  const Window window = window_of(layer, attributes, inputs[0]);
  require_image_in_windows(layer, attributes, window);
  return {window.channels, window.rows.out, window.columns.out};
}

}  // namespace eigenscape::ops
