"""scipy's eigsh (ARPACK) at both ends, on products of PyTorch. python scipy_eigsh.py JOB.json"""

import os
import time

# With threads of their own, ARPACK's products and PyTorch's wait for each other: half the speed.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from job import job, report
from scipy.sparse.linalg import LinearOperator, eigsh
from torch.func import grad, vjp
from torch_network import Network, all_threads

network = Network()
theta = network.theta
size = theta.numel()
wanted = 2 * job["count"]


def products():
    at = theta.clone().requires_grad_()
    (g,) = torch.autograd.grad(network.loss(at), at, create_graph=True)
    _, pull = vjp(grad(network.loss), theta)
    return {
        "double backward": lambda v: torch.autograd.grad(g, at, v, retain_graph=True)[0],
        "vjp of grad": lambda v: pull(v)[0],
    }


def run(product, basis):
    def apply(v):
        return product(torch.from_numpy(np.ascontiguousarray(v.ravel()))).numpy()

    operator = LinearOperator((size, size), matvec=apply, dtype=np.float64)

    def search(tolerance):
        return eigsh(operator, k=wanted, which="BE", tol=tolerance, ncv=basis)

    def accurate(values, vectors):
        limit = job["accuracy"] * np.abs(values).max()
        residuals = [apply(v) - value * v for value, v in zip(values, vectors.T)]
        return all(np.linalg.norm(residual) <= limit for residual in residuals)

    def timing():
        # ARPACK's tolerance is a share of each value: the loosest one that is accurate enough counts.
        for tolerance in (1e-3, 1e-4, 1e-5, 1e-6):
            start = time.perf_counter()
            values, vectors = search(tolerance)
            seconds = time.perf_counter() - start
            if accurate(values, vectors):
                return seconds, float(np.linalg.norm(values))
        raise RuntimeError("no tolerance is accurate enough")

    return timing


ways = {
    f"{name}, {basis} basis vectors": run(product, basis)
    for name, product in products().items()
    for basis in (2 * wanted + 1, 4 * wanted)
}
report(ways, threads=all_threads)
