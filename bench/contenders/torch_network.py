"""The network of a problem in PyTorch, on a flat vector of parameters."""

import torch
import torch.nn.functional as F
from job import job, problem

torch.set_default_dtype(getattr(torch, problem.get("dtype", "float64")))
all_threads = torch.get_num_threads()


def read(name):
    with open(f"{job['folder']}/{name}.f64", "rb") as file:
        values = torch.frombuffer(bytearray(file.read()), dtype=torch.float64)
    return values.to(torch.get_default_dtype())


class Network:
    """Layers as the spec names them: dense, conv2d, maxPool2d, flatten, relu."""

    def __init__(self):
        self.spec = problem["spec"]
        self.layers = self.spec["layers"]
        self.theta = read("parameters")
        self.x = read("inputs").view(problem["samples"], *self.spec["input"])
        self.y = read("targets").long()
        self.shapes = self.find_shapes()

    def modules(self):
        """The layers as modules of their own, with the starting parameters."""
        made = []
        shapes = iter(self.shapes)
        for layer in self.layers:
            if layer["type"] == "dense":
                units, inputs = next(shapes)
                made.append(torch.nn.Linear(inputs, units))
            elif layer["type"] == "conv2d":
                filters, channels, size, _ = next(shapes)
                made.append(torch.nn.Conv2d(channels, filters, size, padding=layer["padding"]))
            elif layer["type"] == "maxPool2d":
                made.append(torch.nn.MaxPool2d(layer["size"], layer["stride"]))
            else:
                made.append({"flatten": torch.nn.Flatten, "relu": torch.nn.ReLU}[layer["type"]]())
        model = torch.nn.Sequential(*made)
        torch.nn.utils.vector_to_parameters(self.theta.clone(), model.parameters())
        return model

    def find_shapes(self):
        """Of the weights: [units, inputs] or [filters, channels, height, width]."""
        shapes, x = [], torch.zeros(1, *self.spec["input"])
        for layer in self.layers:
            if layer["type"] == "dense":
                shapes.append((layer["units"], x.shape[1]))
            elif layer["type"] == "conv2d":
                size = layer["kernelSize"]
                shapes.append((layer["filters"], x.shape[1], size, size))
            tensors = [torch.zeros(shapes[-1]), torch.zeros(shapes[-1][0])] if shapes else []
            x = self.step(layer, x, iter(tensors))
        return shapes

    @staticmethod
    def step(layer, x, tensors):
        if layer["type"] == "dense":
            return F.linear(x, next(tensors), next(tensors))
        if layer["type"] == "conv2d":
            return F.conv2d(x, next(tensors), next(tensors), padding=layer["padding"])
        if layer["type"] == "maxPool2d":
            return F.max_pool2d(x, layer["size"], layer["stride"])
        return {"flatten": lambda x: x.flatten(1), "relu": F.relu}[layer["type"]](x)

    def tensors(self, theta):
        tensors, offset = [], 0
        for shape in self.shapes:
            size = torch.Size(shape).numel()
            tensors.append(theta[offset : offset + size].view(shape))
            offset += size
            tensors.append(theta[offset : offset + shape[0]])
            offset += shape[0]
        return tensors

    def loss_of(self, tensors, x, y):
        tensors = iter(tensors)
        for layer in self.layers:
            x = self.step(layer, x, tensors)
        return F.cross_entropy(x, y)

    def loss(self, theta):
        return self.loss_of(self.tensors(theta), self.x, self.y)


def with_threads(ways):
    """Each way on one thread and on all: small tasks are faster on one."""

    def on(threads, way):
        def run():
            torch.set_num_threads(threads)
            try:
                return way()
            finally:
                torch.set_num_threads(all_threads)

        return run

    return {
        f"{name}, {threads} thread{'s' if threads > 1 else ''}": on(threads, way)
        for threads in sorted({1, all_threads})
        for name, way in ways.items()
    }
