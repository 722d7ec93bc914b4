#include "ops/window.hpp"

#include "core/error.hpp"

namespace eigenscape::ops {
namespace {

std::size_t at(const Attributes& attributes, const char* name, std::size_t i,
               std::size_t fallback) {
  const std::span<const double> list = attribute_list(attributes, name);
  return i < list.size() ? static_cast<std::size_t>(list[i]) : fallback;
}

WindowAxis axis(const char* layer, const Attributes& attributes, const Shape& shape,
                std::size_t i) {
  const std::size_t in = shape[i + 1];
  const std::size_t taps = at(attributes, "kernel", i, 1);
  const std::size_t stride = at(attributes, "stride", i, 1);
  const std::size_t dilation = at(attributes, "dilation", i, 1);
  const std::size_t before = at(attributes, "padding", i, 0);
  const std::size_t after = at(attributes, "padding", i + 2, 0);
  const std::size_t reach = (taps - 1) * dilation + 1;
  if (taps == 0 || stride == 0 || dilation == 0) {
    throw Error(ErrorCode::spec, std::string("a ") + layer +
                                     " layer needs a kernel, stride and dilation of at least 1");
  }
  if (in + before + after < reach) {
    throw Error(ErrorCode::shape, std::string("the window of a ") + layer + " layer reaches over " +
                                      std::to_string(reach) + " entries, but its padded input " +
                                      describe(shape) + " has " +
                                      std::to_string(in + before + after));
  }
  return {in, (in + before + after - reach) / stride + 1, taps, stride, dilation, before};
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
  return {window.channels, window.rows.out, window.columns.out};
}

}  // namespace eigenscape::ops
