"""Prints the polynomial coefficients of elementary.hpp.

Best approximations in the relative error of the function computed, by the exchange algorithm of
Remez (1934) in 50 digits, rounded to the nearest double or float. Needs mpmath (1.3.0 used):

    python3 native/ops/elementary_coefficients.py
"""

import struct

from mpmath import atanh, cos, erfc, exp, expm1, log, lu_solve, matrix, mp, mpf, nstr, pi, polyval, sqrt

mp.dps = 50


def best_polynomial(f, weight, low, high, degree):
    """c[0] + c[1] x + ... that minimises max |weight (f - p)|, and that maximum."""
    low, high, count = mpf(low), mpf(high), degree + 2
    point = lambda k, steps: (low + high) / 2 - (high - low) / 2 * cos(pi * k / steps)
    nodes = [point(k, count - 1) for k in range(count)]
    grid = [point(k, 30 * count) for k in range(30 * count + 1)]
    for _ in range(20):
        system, right = matrix(count, count), matrix(count, 1)
        for i, x in enumerate(nodes):
            for j in range(count - 1):
                system[i, j] = x**j
            system[i, count - 1] = (-1) ** i / weight(x)
            right[i] = f(x)
        coefficients = list(lu_solve(system, right))[:-1]
        extrema = []  # of the error, one per stretch of equal sign
        for x in grid:
            error = weight(x) * (f(x) - polyval(coefficients[::-1], x))
            if not extrema or (error > 0) != (extrema[-1][1] > 0):
                extrema.append((x, error))
            elif abs(error) > abs(extrema[-1][1]):
                extrema[-1] = (x, error)
        while len(extrema) > count:
            extrema.pop(0 if abs(extrema[0][1]) < abs(extrema[-1][1]) else -1)
        sizes = [abs(error) for _, error in extrema]
        if len(extrema) < count or max(sizes) < 1.001 * min(sizes):
            break
        nodes = [x for x, _ in extrema]
    return coefficients, max(sizes)


def literal(value, bits):
    if bits == 64:
        return float(value).hex()
    rounded = struct.unpack("f", struct.pack("f", float(value)))[0]
    return rounded.hex() + "F"


def show(title, fit, bits):
    coefficients, error = fit
    print(f"// {title}, degree {len(coefficients) - 1}, relative error {nstr(error, 2)}")
    print("  " + ",\n  ".join(literal(c, bits) for c in coefficients))


# (expm1(r) - r - r^2/2) / r^3 on |r| <= log(2)/2, weighted by r^3 / expm1(r) ~ r^2
def expm1_rest(r):
    if abs(r) < 1e-6:
        return mpf(1) / 6 + r / 24 + r * r / 120 + r**3 / 720
    return (expm1(r) - r - r * r / 2) / r**3


# (2 atanh(s) - 2s) / s^3 in z = s^2 <= 0.2^2, weighted by s^3 / (2 atanh(s)) ~ z/2
def atanh_rest(z):
    if z < 1e-12:
        return mpf(2) / 3 + z * 2 / 5 + z * z * 2 / 7
    return (2 * atanh(sqrt(z)) - 2 * sqrt(z)) / sqrt(z) ** 3


# (a + 1) times Mills' ratio Q(a) / density(a) in v = (a - k) / (a + k), Q the upper tail
def tail_ratio(k):
    def f(v):
        a = k * (1 + v) / (1 - v)
        return (a + 1) * sqrt(pi / 2) * erfc(a / sqrt(2)) * exp(a * a / 2)

    return f


for bits, expm1_degree, log_degree, tail_degree, k, largest in (
    (64, 8, 6, 22, 5, 39),
    (32, 4, 2, 10, 4, 15),
):
    half = log(2) / 2 * mpf("1.0005")
    small = mpf(10) ** -24
    show("expm1", best_polynomial(expm1_rest, lambda r: max(r * r, small), -half, half, expm1_degree), bits)
    show("log1p", best_polynomial(atanh_rest, lambda z: max(z / 2, small), 0, mpf("0.0401"), log_degree), bits)
    f, k = tail_ratio(mpf(k)), mpf(k)
    show("tail", best_polynomial(f, lambda v: 1 / f(v), -1, (largest - k) / (largest + k), tail_degree), bits)
for bits, name, value in (
    (64, "log2(e)", 1 / log(2)),
    (64, "sqrt(2) low", sqrt(2) - float(sqrt(2))),
    (64, "1/sqrt(2 pi)", 1 / sqrt(2 * pi)),
):
    print(name, literal(value, bits))
high = int(log(2) * 2**41) / mpf(2) ** 41
print("log(2) high, low", literal(high, 64), literal(log(2) - high, 64))
high = int(log(2) * 2**14) / mpf(2) ** 14
print("log(2) high, low", literal(high, 32), literal(log(2) - high, 32))
root = struct.unpack("f", struct.pack("f", float(sqrt(2))))[0]
print("sqrt(2) high, low", literal(root, 32), literal(sqrt(2) - root, 32))
