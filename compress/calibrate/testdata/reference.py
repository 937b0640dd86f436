"""Thresholds by entropy and ranges by percentile of histograms, from the
definitions alone, as numbers for the tests of package calibrate.

Entropy: S. Migacz, 8-bit Inference with TensorRT (GTC 2017), in the form of
NVIDIA's pytorch-quantization, calib/histogram.py, _compute_amax_entropy:
the first bin gets the second one's count; for every number of bins i from the
number of levels to all, P is the first i bins with what lies beyond added to
the last, Q the first i bins in `levels` groups of equal width, each group's sum
spread evenly over its nonempty bins; the last i with the least KL divergence.

Percentile: of the elements themselves, by numpy.percentile, which a range of
whole bins has to hold within one bin.

    /usr/bin/python3 compress/calibrate/testdata/reference.py compress/calibrate/testdata/reference.csv

Elements come from a 64-bit linear congruential generator (Knuth, MMIX) so that
Go can draw the same ones: u = state >> 11, times 2**-53; a standard normal is
the sum of twelve u minus 6.
"""
import csv
import sys

import numpy as np
import scipy
from scipy.stats import entropy

BINS = 2048


class Draw:
    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 11) * 2.0**-53

    def normal(self):
        return sum(self.uniform() for _ in range(12)) - 6.0


def elements(kind, n):
    d = Draw(sum(map(ord, kind)))
    out = []
    for i in range(n):
        x = d.normal()
        if kind == "relu":
            x = max(x, 0.0)
        elif kind == "outliers":
            x = x * 20 if i % 500 == 0 else x
        elif kind == "relu outliers":
            x = abs(x) * 30 if i % 1000 == 0 else max(x, 0.0)
        elif kind == "skewed":
            x = x * x - 0.5
        elif kind == "negative":
            x = -abs(x) ** 3
        elif kind == "uniform":
            x = d.uniform() * 2 - 1
        out.append(np.float32(x))
    return np.array(out, dtype=np.float32)


def least_divergence(bins, levels):
    bins = bins.astype(np.float64)
    bins[0] = bins[1]
    found = []
    for i in range(levels, len(bins) + 1):
        group = np.arange(i) * levels // i
        kept = bins[:i]
        filled = kept > 0
        sums = np.bincount(group[filled], weights=kept[filled], minlength=levels)
        counts = np.bincount(group[filled], minlength=levels)
        means = np.divide(sums, counts, out=np.zeros(levels), where=counts > 0)
        q = np.where(filled, means[group], 0.0)
        p = kept.copy()
        p[-1] += bins[i:].sum()
        found.append(entropy(p, q) if q.sum() > 0 else np.inf)
    found = np.array(found)
    return len(found) - 1 - int(np.argmin(found[::-1])) + levels, float(found.min())


def main():
    with open(sys.argv[1], "w", newline="") as f:
        f.write("# %s: Python %s, numpy %s, scipy %s; command in reference.py\n"
                % ("compress/calibrate/testdata/reference.py", sys.version.split()[0], np.__version__, scipy.__version__))
        w = csv.writer(f, lineterminator="\n")
        w.writerow(["kind", "n", "levels", "bins", "threshold", "divergence", "low_99.9", "high_99.9"])
        for kind in ["normal", "relu", "outliers", "relu outliers", "skewed", "negative", "uniform"]:
            n = 60000
            v = elements(kind, n).astype(np.float64)
            top = np.abs(v).max()
            one = v.min() >= 0 or v.max() <= 0
            levels = 256 if one else 128
            # The bins of |v|; a bin holds its lower edge, as floor has it, and the
            # largest belongs to the last.
            k = np.minimum(np.floor(np.abs(v) / (top / BINS)).astype(np.int64), BINS - 1)
            i, d = least_divergence(np.bincount(k, minlength=BINS), levels)
            out = 0.1
            lo, hi = (out / 2, 100 - out / 2)
            if v.min() >= 0:
                lo, hi = 0, 100 - out
            elif v.max() <= 0:
                lo, hi = out, 100
            w.writerow([kind, n, levels, i, repr(i * top / BINS), repr(d), repr(np.percentile(v, lo)), repr(np.percentile(v, hi))])


main()
