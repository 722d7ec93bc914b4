"""PyTorch, each task in several ways. python pytorch.py JOB.json"""

import time

import torch
import torch.nn.functional as F
from job import job, measure, problem, report
from torch.func import grad, hessian, jvp, linearize, vjp, vmap
from torch_network import Network, all_threads, read, with_threads


def gemm():
    n = problem["size"]
    a, b = torch.randn(n, n), torch.randn(n, n)

    def fastest():
        times = []
        for _ in range(7):
            start = time.perf_counter()
            a @ b
            times.append(time.perf_counter() - start)
        return min(times), 0.0

    return {"matmul": fastest}


def dense_hessian():
    """Each way: rows of H for chunks of unit vectors. A survey takes the first 1,024 rows for all."""
    network = Network()
    theta, loss = network.theta, network.loss
    m = theta.numel()
    wanted = min(m, 1024) if job["survey"] else m

    def in_chunks(products, size):
        matrix = torch.empty(wanted, m)
        for first in range(0, wanted, size):
            count = min(size, wanted - first)
            units = torch.zeros(count, m)
            units[torch.arange(count), torch.arange(first, first + count)] = 1
            matrix[first : first + count] = products(units)
        return matrix

    def double_backward():
        at = theta.clone().requires_grad_()
        (g,) = torch.autograd.grad(loss(at), at, create_graph=True)
        return lambda v: torch.autograd.grad(g, at, v, retain_graph=True, is_grads_batched=True)[0]

    # What jacfwd and jacrev of grad do, chunk by chunk.
    products = {
        "vmap(jvp of grad)": lambda: vmap(lambda v: jvp(grad(loss), (theta,), (v,))[1]),
        "vmap(vjp of grad)": lambda: vmap(lambda v, pull=vjp(grad(loss), theta)[1]: pull(v)[0]),
        "vmap(linearized grad)": lambda: vmap(linearize(grad(loss), theta)[1]),
        "batched double backward": double_backward,
    }

    def run(make, size):
        def timing():
            held = []

            def assemble():
                held[:] = [in_chunks(make(), size)]

            seconds = measure(assemble) * m / wanted
            return seconds, None if job["survey"] else torch.linalg.matrix_norm(held[0]).item()

        return timing

    def sized(*sizes):
        return {
            f"{name}, {size} at once": run(make, size)
            for size in sizes
            for name, make in products.items()
        }

    # One thread pays only where chunks are small, or where others use the machine.
    ways = sized(256, 512, 1024) | with_threads(sized(64, 128))
    # All unit vectors at once: about a dozen arrays of M·N·30 numbers.
    if free_memory() > 12 * m * problem["samples"] * 30 * 8:
        ways["torch.func.hessian"] = timed(lambda: hessian(loss)(theta))
    return ways


def free_memory():
    """Bytes, or 0 where the system does not say."""
    try:
        with open("/proc/meminfo") as file:
            line = next(line for line in file if line.startswith("MemAvailable"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        return 0


def timed(task, per=1):
    """Seconds of `task`, and the norm of what it returns."""

    def run():
        held = []

        def keep():
            held[:] = [task()]

        seconds = measure(keep, per)
        return seconds, torch.linalg.vector_norm(held[0]).item()

    return run


def products():
    network = Network()
    theta, loss = network.theta, network.loss
    count = job["count"]
    vectors = read("vectors").view(-1, theta.numel())[:count]
    at = theta.clone().requires_grad_()
    (g,) = torch.autograd.grad(loss(at), at, create_graph=True)
    _, push = linearize(grad(loss), theta)
    _, pull = vjp(grad(loss), theta)
    forward = lambda v: jvp(grad(loss), (theta,), (v,))[1]
    again = lambda v: torch.autograd.grad(g, at, v, retain_graph=True, is_grads_batched=v.dim() == 2)[0]
    ways = {
        "jvp of grad": forward,
        "linearized grad, kept": push,
        "vjp of grad, graph kept": lambda v: pull(v)[0],
    }
    if count == 1:
        v = vectors[0]

        def from_scratch():
            (first,) = torch.autograd.grad(loss(at), at, create_graph=True)
            return torch.autograd.grad(first, at, v)[0]

        tasks = {name: (lambda way=way: way(v)) for name, way in ways.items()}
        tasks["double backward"] = from_scratch
        tasks["double backward, graph kept"] = lambda: again(v)
    else:
        tasks = {f"vmap({name})": (lambda way=way: vmap(way)(vectors)) for name, way in ways.items()}
        tasks["batched double backward, graph kept"] = lambda: again(vectors)
        tasks["jvp of grad, one by one"] = lambda: torch.stack([forward(v) for v in vectors])
    return with_threads({name: timed(task, count) for name, task in tasks.items()})


def steps():
    """The batches in the order of the data, as ours; SGD by hand, too."""
    rate, size = job["learningRate"], job["batch"]
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[job["optimizer"]]
    name = f"optim.{kind.__name__}"
    # A call is one pass over the data.

    def prepare():
        network = Network()
        starts = range(0, problem["samples"], size)
        batches = [(network.x[i : i + size], network.y[i : i + size]) for i in starts]
        return network, batches

    def with_optimizer(channels_last=False, **options):
        network, batches = prepare()
        model = network.modules()
        if channels_last:
            model = model.to(memory_format=torch.channels_last)
            batches = [(x.to(memory_format=torch.channels_last), y) for x, y in batches]
        optimizer = kind(model.parameters(), lr=rate, **options)
        criterion = torch.nn.CrossEntropyLoss()

        def epoch():
            for x, y in batches:
                optimizer.zero_grad()
                criterion(model(x), y).backward()
                optimizer.step()

        def parameters():
            return torch.cat([p.contiguous().view(-1) for p in model.parameters()])

        return epoch, parameters, len(batches)

    def by_hand(flat):
        network, batches = prepare()
        theta = network.theta.clone()
        tensors = [theta] if flat else [t.clone() for t in network.tensors(theta)]
        for tensor in tensors:
            tensor.requires_grad_()
        views = network.tensors if flat else lambda _: tensors

        def epoch():
            for x, y in batches:
                loss = network.loss_of(views(tensors[0]), x, y)
                gradients = torch.autograd.grad(loss, tensors)
                with torch.no_grad():
                    for tensor, gradient in zip(tensors, gradients):
                        tensor.sub_(gradient, alpha=rate)

        return epoch, lambda: torch.cat([t.detach().reshape(-1) for t in tensors]), len(batches)

    def no_autograd():
        network, batches = prepare()
        tensors = [t.clone() for t in network.tensors(network.theta)]
        classes = network.shapes[-1][0]
        weights, biases = tensors[0::2], tensors[1::2]
        one_hot = [F.one_hot(y, classes).to(torch.get_default_dtype()) for _, y in batches]

        @torch.inference_mode()
        def epoch():
            for (x, _), t in zip(batches, one_hot):
                values = [x]
                for i, (w, b) in enumerate(zip(weights, biases)):
                    z = torch.addmm(b, values[-1], w.t())
                    values.append(z.relu_() if i + 1 < len(weights) else z)
                delta = (torch.softmax(values[-1], 1) - t).div_(len(t))
                for i in range(len(weights) - 1, -1, -1):
                    before = delta @ weights[i] if i > 0 else None
                    weights[i].addmm_(delta.t(), values[i], alpha=-rate)
                    biases[i].sub_(delta.sum(0), alpha=rate)
                    if before is not None:
                        delta = before.mul_(values[i] > 0)

        return epoch, lambda: torch.cat([t.reshape(-1) for t in tensors]), len(batches)

    def run(make):
        def timing():
            epoch, parameters, steps = make()
            for _ in range(job["checkedSteps"] // steps):
                epoch()
            check = torch.linalg.vector_norm(parameters().detach()).item()
            return measure(epoch, steps), check

        return timing

    makers = {
        name: lambda: with_optimizer(),
        f"{name}(foreach)": lambda: with_optimizer(foreach=True),
        f"{name}(fused)": lambda: with_optimizer(fused=True),
    }
    if kind is torch.optim.SGD:
        makers["loop with autograd.grad"] = lambda: by_hand(False)
        makers["loop with autograd.grad, one flat parameter"] = lambda: by_hand(True)
    if any(layer["type"] == "conv2d" for layer in problem["spec"]["layers"]):
        makers[f"{name}, channels last"] = lambda: with_optimizer(True)
        makers[f"{name}(fused), channels last"] = lambda: with_optimizer(True, fused=True)
    elif kind is torch.optim.SGD:
        makers["gradient written out by hand"] = no_autograd
    return with_threads({name: run(make) for name, make in makers.items()})


def eigenvalues():
    n = problem["size"]
    matrix = read("matrix").view(n, n)

    def run():
        held = []

        def keep():
            held[:] = [torch.linalg.eigvalsh(matrix)]

        return measure(keep), held[0].max().item()

    return with_threads({"linalg.eigvalsh": run})


def spectra():
    """A survey takes the first points of each way: those that go together, or a few one by one."""
    network = Network()
    points = read("points").view(problem["points"], -1)
    hessian_at = hessian(network.loss)

    def double_backward(theta):
        at = theta.clone().requires_grad_()
        (g,) = torch.autograd.grad(network.loss(at), at, create_graph=True)
        units = torch.eye(at.numel())
        return torch.autograd.grad(g, at, units, is_grads_batched=True)[0]

    def run(matrices, size):
        wanted = min(len(points), max(size, 10)) if job["survey"] else len(points)

        def timing():
            held = []

            def solve():
                chunks = points[:wanted].split(size)
                held[:] = [torch.cat([torch.linalg.eigvalsh(matrices(chunk)) for chunk in chunks])]

            seconds = measure(solve, wanted)
            whole = wanted == len(points)
            return seconds, torch.linalg.vector_norm(held[0]).item() if whole else None

        return timing

    ways = {
        f"vmap(hessian), {size} at once, batched eigvalsh": run(vmap(hessian_at), size)
        for size in job["sizes"]
    }
    ways["hessian one by one"] = run(lambda chunk: hessian_at(chunk[0])[None], 1)
    ways["double backward one by one"] = run(lambda chunk: double_backward(chunk[0])[None], 1)
    return with_threads(ways)


def train_many():
    """Loops take some of the runs, one after the other; vmap takes all side by side."""
    network = Network()
    points = read("points").view(problem["points"], -1)
    rate, steps = job["learningRate"], job["steps"]
    gradients = vmap(grad(network.loss))

    def side_by_side():
        theta = points.clone()
        with torch.no_grad():
            for _ in range(steps):
                theta.sub_(gradients(theta), alpha=rate)
        return theta

    def loop(flat, runs):
        for start in points[:runs]:
            theta = start.clone()
            tensors = [theta] if flat else [t.clone() for t in network.tensors(theta)]
            for tensor in tensors:
                tensor.requires_grad_()
            views = network.tensors if flat else lambda _: tensors
            for _ in range(steps):
                loss = network.loss_of(views(tensors[0]), network.x, network.y)
                with torch.no_grad():
                    for tensor, gradient in zip(tensors, torch.autograd.grad(loss, tensors)):
                        tensor.sub_(gradient, alpha=rate)

    def looped(flat, runs=3):
        return lambda: (measure(lambda: loop(flat, runs), runs * steps), None)

    def together():
        held = []

        def keep():
            held[:] = [side_by_side()]

        seconds = measure(keep, len(points) * steps)
        return seconds, torch.linalg.vector_norm(held[0]).item()

    ways = {
        "vmap(grad), all runs side by side": together,
        "run by run, autograd.grad": looped(False),
        "run by run, autograd.grad, one flat parameter": looped(True),
    }
    return with_threads(ways)


tasks = {
    "gemm": gemm,
    "spectra": spectra,
    "trainMany": train_many,
    "denseHessian": dense_hessian,
    "products": products,
    "steps": steps,
    "eigenvalues": eigenvalues,
}
# A RuntimeError: PyTorch has no rule for an operation in this way.
report(tasks[job["task"]](), skipped=RuntimeError, threads=all_threads)
