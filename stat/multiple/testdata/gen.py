"""Writes reference.csv: family, p, bonferroni, holm, bh, by.

Run: /usr/bin/python3 gen.py > reference.csv
Source: statsmodels 0.13.5, stats.multitest.multipletests.
"""
import numpy as np
import statsmodels
from statsmodels.stats.multitest import multipletests

assert statsmodels.__version__.startswith("0.13.5")
rng = np.random.default_rng(3)
families = [
    [0.04],
    [0.01, 0.02, 0.03, 0.04, 0.05],
    [0.9, 0.01, 0.01, 0.5, 1.0, 0.0, 0.01],
    list(rng.uniform(size=40)),
    list(rng.uniform(size=25)) + list(10.0 ** -rng.uniform(1, 200, size=15)),
    list(np.round(rng.uniform(size=60), 1)),
]
for f, p in enumerate(families):
    cols = [multipletests(p, method=m)[1] for m in ("bonferroni", "holm", "fdr_bh", "fdr_by")]
    for i, v in enumerate(p):
        print(",".join([str(f), repr(float(v))] + [repr(float(c[i])) for c in cols]))
