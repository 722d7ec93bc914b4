"""Figure S6 in PyTorch: gradient descent from many points until the gradient norm is small, then exact spectra.

python starts.py PROBLEM.json   prints { way: { seconds, starts, median, unfinished } }
Each way runs on as many threads, one or all, as take its first 200 steps faster.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch.func import grad, hessian, vmap

problem = json.load(open(sys.argv[1]))
torch.set_default_dtype(torch.float64)
points = torch.tensor(problem["points"])
y = torch.tensor(problem["targets"]).long()
x = torch.tensor(problem["inputs"]).view(len(y), -1)
rate, tolerance, cap = problem["learningRate"], problem["gradientNorm"], problem["steps"]


def tensors(theta):
    parts = []
    for tensor in problem["layout"]:
        shape, offset = tensor["shape"], tensor["offset"]
        parts.append(theta[offset : offset + torch.Size(shape).numel()].view(shape))
    return parts


def loss_of(parts):
    a = x
    layers = list(zip(parts[::2], parts[1::2]))
    for weight, bias in layers[:-1]:
        a = F.relu(F.linear(a, weight, bias))
    return F.cross_entropy(F.linear(a, *layers[-1]), y)


def loss(theta):
    return loss_of(tensors(theta))


def loop(cap=cap):
    """One start after the other."""
    largest, unfinished = [], 0
    for start in points if cap > 200 else points[:1]:
        parts = [part.clone().requires_grad_() for part in tensors(start)]
        for step in range(cap):
            gradients = torch.autograd.grad(loss_of(parts), parts)
            norm = torch.sqrt(sum((g * g).sum() for g in gradients))
            if norm.item() <= tolerance:
                break
            with torch.no_grad():
                torch._foreach_add_(parts, gradients, alpha=-rate)
        else:
            unfinished += 1
        theta = torch.cat([part.detach().flatten() for part in parts])
        largest.append(torch.linalg.eigvalsh(hessian(loss)(theta))[-1])
    return torch.stack(largest), unfinished


def side_by_side(cap=cap):
    """All starts at once; those that are done leave at every tenth look."""
    gradients = vmap(grad(loss))
    theta, ends, active = points.clone(), points.clone(), torch.arange(len(points))
    done = torch.zeros(len(points), dtype=torch.bool)
    with torch.no_grad():
        for step in range(cap):
            g = gradients(theta)
            small = torch.linalg.vector_norm(g, dim=1) <= tolerance
            done = done | small
            g[done] = 0
            theta.sub_(g, alpha=rate)
            if step % 10 == 0 and done.any():
                ends[active[done]] = theta[done]
                theta, active = theta[~done], active[~done]
                done = torch.zeros(len(theta), dtype=torch.bool)
                if len(theta) == 0:
                    break
    ends[active] = theta
    return torch.linalg.eigvalsh(vmap(hessian(loss))(ends))[:, -1], len(active)


def timed(way, *arguments):
    begin = time.perf_counter()
    largest, unfinished = way(*arguments)
    return time.perf_counter() - begin, largest, unfinished


def on(threads, way):
    torch.set_num_threads(threads)
    return timed(way, 200)[0]


outcomes = {}
all_threads = torch.get_num_threads()
for name, way in {"a loop": loop, "vmapped, all side by side": side_by_side}.items():
    timed(way, 20)  # the first calls set things up
    threads = min({1, all_threads}, key=lambda count: on(count, way))
    torch.set_num_threads(threads)
    seconds, largest, unfinished = timed(way)
    outcomes[f"{name}, {threads} thread{'s' if threads > 1 else ''}"] = {
        "seconds": seconds,
        "starts": len(points),
        "median": torch.quantile(largest, 0.5).item(),  # of an even number the mean of the middle two
        "unfinished": unfinished,
    }
print(json.dumps(outcomes))
