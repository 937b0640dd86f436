"""Writes reference.csv: test, x, y, p.

Run: /usr/bin/python3 gen.py > reference.csv
Source: scipy 1.10.1, stats.permutation_test over all rearrangements: "flip" is the
two-sided sign test of the sum (permutation_type="samples"), "two" the difference
of means, x above y (permutation_type="independent", alternative="greater").
"""
import numpy as np
import scipy
from scipy.stats import permutation_test

assert scipy.__version__ == "1.10.1"
rng = np.random.default_rng(8)
join = lambda a: " ".join(repr(float(v)) for v in a)
flips = [[1.0], [1, 2, -1], [1, 1, 1, 1, 1, 1], [2, -1, 1, 0, 0, 2, 1, 1, -2, 1, 1], [0.1, 0.2, 0.3, -0.6], [3, 1, 1, 1, -1, 2, 2],
         list(rng.normal(0.4, 1, 8)), list(rng.normal(0, 1, 13)), list(np.round(rng.normal(0.7, 1, 15)))]
for x in flips:
    nz = [v for v in x if v != 0]
    p = 1.0 if len(nz) == 1 else permutation_test((np.array(nz, float),), lambda a, axis=-1: np.abs(np.sum(a, axis)), permutation_type="samples",
                                                   vectorized=True, n_resamples=np.inf, alternative="greater").pvalue
    print(",".join(["flip", join(x), "", repr(float(p))]))
for n, m, d in [(5, 5, 1.0), (7, 4, 0.3), (6, 6, 2.0), (3, 8, -0.5)]:
    x, y = rng.normal(d, 1, n), rng.normal(0, 1, m)
    stat = lambda a, b, axis=-1: np.mean(a, axis) - np.mean(b, axis)
    p = permutation_test((x, y), stat, permutation_type="independent", vectorized=True, n_resamples=np.inf, alternative="greater").pvalue
    print(",".join(["two", join(x), join(y), repr(float(p))]))
