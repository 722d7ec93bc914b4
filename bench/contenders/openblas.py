"""The OpenBLAS libraries that NumPy and SciPy bring along, and LAPACK's eigenvalues in them.

SciPy wraps no two-stage routine, and has no call for the number of threads: both are reached by ctypes.
"""

import ctypes
from pathlib import Path

import numpy as np


class OpenBlas:
    """A library whose symbols may have a prefix, and a suffix where its integers have 64 bits."""

    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        for prefix, suffix in (("scipy_", ""), ("scipy_", "64_"), ("", ""), ("", "64_")):
            if hasattr(self.library, f"{prefix}openblas_set_num_threads{suffix}"):
                self.prefix, self.suffix = prefix, suffix
                return
        raise OSError(f"{path} has no openblas_set_num_threads")

    def __getattr__(self, name):
        return self.library[f"{self.prefix}{name}{self.suffix}"]

    @property
    def version(self):
        """Number and kernel, as OpenBLAS says them."""
        config, kernel = self.openblas_get_config, self.openblas_get_corename
        config.restype = kernel.restype = ctypes.c_char_p
        return f"{config().decode().split()[1]}, kernel {kernel().decode()}"

    @property
    def threads(self):
        return self.openblas_get_num_threads()

    @threads.setter
    def threads(self, count):
        self.openblas_set_num_threads(count)

    def eigenvalues(self, routine, matrix):
        """All eigenvalues of a symmetric matrix [n, n], ascending, by dsyevd or dsyevd_2stage; destroys it."""
        integer = ctypes.c_int64 if self.suffix else ctypes.c_int32
        call = self.library[f"{self.prefix}{routine}_{self.suffix}"]
        n, info = integer(len(matrix)), integer()
        values = np.empty(len(matrix))

        def run(work, work_size, integers, integers_size):
            call(
                b"N", b"L", ctypes.byref(n), pointer(matrix), ctypes.byref(n), pointer(values),
                pointer(work), ctypes.byref(integer(work_size)),
                pointer(integers), ctypes.byref(integer(integers_size)),
                ctypes.byref(info), ctypes.c_size_t(1), ctypes.c_size_t(1),
            )  # fmt: skip
            if info.value != 0:
                raise ArithmeticError(f"{routine} returned {info.value} at order {n.value}")

        work, integers = np.zeros(1), np.zeros(1, dtype=np.int64)
        run(work, -1, integers, -1)
        size = max(int(work[0]), 2 * n.value + 1)
        run(np.empty(size), size, np.empty(1, dtype=np.int64), 1)
        return values


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def bundled_with(package):
    """The library in a wheel of NumPy or SciPy; None where it links another, as distributions' packages do."""
    folder = Path(package.__file__).parent
    places = (folder.parent / f"{package.__name__}.libs", folder / ".dylibs", folder / ".libs")
    found = [file for place in places for file in place.glob("*openblas*")]
    return OpenBlas(found[0]) if found else None


if __name__ == "__main__":
    import scipy

    bundled = bundled_with(scipy)
    print(f"SciPy {scipy.__version__}, " + (f"OpenBLAS {bundled.version}" if bundled else "another LAPACK"))
