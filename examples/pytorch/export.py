"""A small network, trained in PyTorch, as the examples and the guide read it.

    pip install torch onnx onnxscript safetensors numpy
    python export.py

Writes model.onnx (and model.onnx.data, where PyTorch puts the weights), model.safetensors, inputs.npy, targets.npy, and
pytorch.json: the loss and the largest eigenvalues of its Hessian as PyTorch computes them in float64.
"""

import json

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.func import functional_call, hessian

torch.manual_seed(0)
inputs = torch.randn(200, 20)
targets = (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(20, 12), nn.GELU(), nn.Linear(12, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for _ in range(100):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(inputs), targets).backward()
    optimizer.step()

model.eval()
batch = {"input": {0: torch.export.Dim("batch")}}
torch.onnx.export(model, (inputs[:2],), "model.onnx", dynamo=True, dynamic_shapes=batch)
save_file(model.state_dict(), "model.safetensors")
np.save("inputs.npy", inputs.numpy())
np.save("targets.npy", targets.numpy())

model = model.double()
tensors = {name: value.detach() for name, value in model.named_parameters()}
flat = torch.cat([value.flatten() for value in tensors.values()])


def loss(theta):
    parts = theta.split([value.numel() for value in tensors.values()])
    shaped = {name: part.view_as(value) for (name, value), part in zip(tensors.items(), parts)}
    return nn.functional.cross_entropy(functional_call(model, shaped, (inputs.double(),)), targets)


eigenvalues = torch.linalg.eigvalsh(hessian(loss)(flat))
reference = {
    "torch": torch.__version__,
    "loss": loss(flat).item(),
    "largest": eigenvalues[-3:].flip(0).tolist(),
    "smallest": eigenvalues[:3].tolist(),
}
with open("pytorch.json", "w") as file:
    json.dump(reference, file, indent=2)
    file.write("\n")
