"""LAPACK's eigenvalues in the OpenBLAS of SciPy and NumPy, each way on one thread and on all. python lapack.py JOB.json"""

import os

import numpy as np
import scipy
from job import job, measure, problem, report
from openblas import bundled_with
from scipy.linalg import eigh
from scipy.linalg.lapack import dsyevr

n = problem["size"]
matrix = np.fromfile(f"{job['folder']}/matrix.f64").reshape(n, n)
libraries = [library for library in (bundled_with(scipy), bundled_with(np)) if library]
all_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def copy():
    """Row-major, which is column-major for a symmetric matrix: nothing is left to be transposed."""
    return (np.array(matrix).T,)


def run(solve, threads):
    def timing():
        for library in libraries:
            library.threads = threads
        held = []

        def keep(given):
            held[:] = [solve(given)]

        seconds = measure(keep, prepare=copy)
        return seconds, held[0].max().item()

    return timing


solvers = {
    "dsyevr": lambda a: dsyevr(a, compute_v=0, lower=1, overwrite_a=1)[0],
    "scipy.linalg.eigh(driver='evd')": lambda a: eigh(
        a, eigvals_only=True, driver="evd", overwrite_a=True, check_finite=False
    ),
    "numpy.linalg.eigvalsh": np.linalg.eigvalsh,
}
bundled = bundled_with(scipy)
if bundled:
    solvers["dsyevd"] = lambda a: bundled.eigenvalues("dsyevd", a)
    solvers["dsyevd_2stage"] = lambda a: bundled.eigenvalues("dsyevd_2stage", a)

# A minute and more on one thread tells no more: from n = 300 on, two were never slower.
counts = sorted({1, all_threads} if n < 3000 else {all_threads}) if libraries else ["the library's"]
report(
    {
        f"{name}, {threads} thread{'' if threads == 1 else 's'}": run(solve, threads)
        for threads in counts
        for name, solve in solvers.items()
    },
    threads=all_threads,
)
