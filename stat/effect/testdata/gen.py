"""Writes reference.csv: kind, x, y, d, g, j, 95 % low, high.

Run: /usr/bin/python3 gen.py > reference.csv
d from numpy, J from mpmath 1.2.1 gamma; interval: roots of scipy 1.10.1 stats.nct by
brentq (xtol 1e-13). statsmodels 0.13.5 stats.meta_analysis.effectsize_smd, with the
approximate J, must agree to 2 %.
"""
import mpmath as mp
import numpy as np
import scipy
from scipy import stats
from scipy.optimize import brentq
from statsmodels.stats.meta_analysis import effectsize_smd

assert scipy.__version__ == "1.10.1"
rng = np.random.default_rng(12)
join = lambda a: " ".join(repr(float(v)) for v in a)


def out(kind, x, y, d, v, size):
    j = mp.gamma(mp.mpf(v) / 2) / (mp.sqrt(mp.mpf(v) / 2) * mp.gamma(mp.mpf(v - 1) / 2))
    t = d * np.sqrt(size)
    lo = brentq(lambda c: stats.nct.sf(t, v, c) - 0.025, t - 20, t + 5, xtol=1e-13) / np.sqrt(size)
    hi = brentq(lambda c: stats.nct.cdf(t, v, c) - 0.025, t - 5, t + 20, xtol=1e-13) / np.sqrt(size)
    print(",".join([kind, join(x), join(y)] + [repr(float(a)) for a in (d, float(j) * d, j, lo, hi)]))


for n, m, shift in [(30, 30, 0.5), (4, 7, 1.0), (2, 2, 0.3), (10, 40, -0.8), (15, 15, 2.0)]:
    x, y = rng.normal(shift, 1, n), rng.normal(0, 1, m)
    v = n + m - 2
    d = (x.mean() - y.mean()) / np.sqrt(((n - 1) * x.var(ddof=1) + (m - 1) * y.var(ddof=1)) / v)
    g = effectsize_smd(x.mean(), x.std(ddof=1), n, y.mean(), y.std(ddof=1), m)[0]
    if v > 4:
        assert abs(g / (d * float(mp.gamma(v / 2) / (mp.sqrt(v / 2) * mp.gamma((v - 1) / 2)))) - 1) < 0.02
    out("two", x, y, d, v, n * m / (n + m))
for n, shift in [(30, 0.3), (5, 1.0), (3, 0.1)]:
    x = rng.normal(0, 1, n)
    y = x - rng.normal(shift, 0.5, n)
    out("paired", x, y, (x - y).mean() / (x - y).std(ddof=1), n - 1, n)
