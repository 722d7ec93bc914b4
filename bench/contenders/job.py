"""The job of a contender's process, and its stopwatch. measure.mjs has the same."""

import json
import statistics
import sys
import time

job = json.load(open(sys.argv[1]))
problem = job["problem"]


def measure(task, per=1, prepare=tuple):
    """Median seconds of `task`, called until the budget is used. The first call warms up and does not count,
    unless this is a survey and it was longer than the budget. `prepare` makes its arguments, at no cost."""
    times, used = [], 0.0
    while True:
        arguments = prepare()
        start = time.perf_counter()
        task(*arguments)
        times.append(time.perf_counter() - start)
        used += times[-1]
        if len(times) < 2:
            if job["survey"] and used > job["budget"]:
                break
        elif used >= job["budget"]:
            break
    return statistics.median(times[1:] or times) / per


def report(ways, skipped=(), **facts):
    """Measures the ways that the job asks for, and prints the outcome as the last line of the output. A way that
    raises one of `skipped` does not know the task."""
    outcomes = {}
    for name, way in ways.items():
        if job["ways"] is not None and name not in job["ways"]:
            continue
        try:
            seconds, check = way()
        except skipped as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        outcomes[name] = {"seconds": seconds, "check": check}
    print(json.dumps({"ways": outcomes, **facts}))
