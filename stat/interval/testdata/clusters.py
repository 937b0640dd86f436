"""Writes clusters.csv: x means, y means, answers in x, in y, level, Wilson of x
(low, high), difference (low, high).

Run: /usr/bin/python3 clusters.py > clusters.csv
Source: numpy 1.24 for variance and correlation; statsmodels 0.13.5,
proportion_confint(method="wilson") with the effective counts; the limits of the
difference from them by Newcombe's (1998, pairs) formula.
"""
import numpy as np
from statsmodels.stats.proportion import proportion_confint


def wilson(y, answers, level):
    p, n = y.mean(), len(y)
    var = y.var()
    if p in (0, 1):
        size = n
    elif var == 0:
        size = answers
    else:
        size = min(p * (1 - p) / (var / n), answers)
    return proportion_confint(p * size, size, 1 - level, "wilson")


def difference(x, y, ax, ay, level):
    (l1, u1), (l2, u2) = wilson(x, ax, level), wilson(y, ay, level)
    p, q = x.mean(), y.mean()
    cov = ((x - p) * (y - q)).sum()
    if cov > 0:
        cov = max(0, cov - 0.5)
    spread = np.sqrt(((x - p) ** 2).sum() * ((y - q) ** 2).sum())
    phi = 0 if spread == 0 else cov / spread
    low = (p - q) - np.sqrt((p - l1) ** 2 - 2 * phi * (p - l1) * (u2 - q) + (u2 - q) ** 2)
    high = (p - q) + np.sqrt((u1 - p) ** 2 - 2 * phi * (u1 - p) * (q - l2) + (q - l2) ** 2)
    return low, high


rng = np.random.default_rng(7)
for n, m, p, q, share, level in [
    (12, 1, 0.3, 0.2, 0.0, 0.95), (40, 3, 0.2, 0.1, 0.5, 0.95), (40, 2, 0.02, 0.02, 0.0, 0.9),
    (100, 5, 0.6, 0.4, 0.8, 0.99), (25, 3, 0.0, 0.4, 0.0, 0.95), (25, 2, 1.0, 0.9, 0.2, 0.95),
]:
    ease = rng.random((n, 1))
    own = rng.random((n, m))
    x = (np.where(rng.random((n, m)) < share, ease, own) < p).mean(axis=1)
    y = (np.where(rng.random((n, m)) < share, ease, rng.random((n, m))) < q).mean(axis=1)
    fmt = lambda v: " ".join(repr(float(a)) for a in v)
    row = [fmt(x), fmt(y), n * m, n * m, level, *wilson(x, n * m, level), *difference(x, y, n * m, n * m, level)]
    print(",".join(str(c) for c in row))
half = np.full(8, 0.5)
print(",".join(str(c) for c in [" ".join(["0.5"] * 8), " ".join(["0.5"] * 8), 16, 16, 0.95, *wilson(half, 16, 0.95), *difference(half, half, 16, 16, 0.95)]))
