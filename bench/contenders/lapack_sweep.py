"""LAPACK's side of eigenvalues-sweep.mjs: answers requests, a line of JSON each, until there are no more.

python lapack_sweep.py [LIBRARY …]   LIBRARY: an OpenBLAS beside SciPy's
{ matrix: file, size, calls, ways: names or null } → { way: seconds of one call, the median of `calls` after a first,
or of the first if that is all }
"""

import json
import os
import statistics
import sys
import time

import numpy as np
import scipy
from openblas import OpenBlas, bundled_with

found = [bundled_with(scipy), *(OpenBlas(path) for path in sys.argv[1:])]
libraries = {library.version: library for library in found if library}
counts = sorted({1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()})
ways = {
    f"{routine}, {threads} thread{'' if threads == 1 else 's'}, OpenBLAS {version}": (library, routine, threads)
    for version, library in libraries.items()
    for threads in counts
    for routine in ("dsyevd", "dsyevd_2stage")
}


def seconds_of(matrix, library, routine, threads, calls):
    library.threads = threads
    times = []
    for _ in range(calls + 1):
        copy = matrix.copy()
        start = time.perf_counter()
        library.eigenvalues(routine, copy)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:] or times)  # the first warms up


for line in sys.stdin:
    request = json.loads(line)
    n = request["size"]
    matrix = np.fromfile(request["matrix"]).reshape(n, n)
    # A minute and more on one thread tells no more: from n = 300 on, two were never slower.
    usual = [name for name, (_, _, threads) in ways.items() if n < 3000 or threads == counts[-1]]
    chosen = usual if request["ways"] is None else request["ways"]
    answer = {name: seconds_of(matrix, *ways[name], request["calls"]) for name in chosen}
    print(json.dumps(answer), flush=True)
