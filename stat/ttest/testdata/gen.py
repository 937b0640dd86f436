"""Writes reference.csv: test, x, y, t, dof, p, 95 % interval, source.

Run: /usr/bin/python3 gen.py > reference.csv
t, dof and interval: scipy 1.10.1 (ttest_ind equal_var=False, ttest_rel,
ttest_1samp) or statsmodels 0.13.5 (weightstats). p: the source's own, except
below 1e-12, where it is mpmath 1.2.1's incomplete beta at t and dof. scipy's
t.ppf is off by 4e-9 at dof 38.9, so interval limits are moved to the half width that
mpmath's quantile gives (they must agree to 1e-7 first).
"""
import mpmath as mp
import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttest_ind

assert scipy.__version__ == "1.10.1" and statsmodels.__version__.startswith("0.13.5")
mp.mp.dps = 40
rng = np.random.default_rng(20)


def far(p, t, v):
    if p > 1e-12:
        return p, ""
    t, v = mp.mpf(float(t)), mp.mpf(float(v))
    return float(mp.betainc(v / 2, mp.mpf(1) / 2, 0, v / (v + t * t), regularized=True)), " + mpmath 1.2.1"


def exact(lo, hi, v):
    v = mp.mpf(float(v))
    rough = stats.t.isf(0.025, float(v))
    tail = lambda t: mp.betainc(v / 2, mp.mpf(1) / 2, 0, v / (v + t * t), regularized=True) / 2
    ratio = mp.findroot(lambda t: tail(t) - mp.mpf("0.025"), rough) / rough
    assert abs(ratio - 1) < 1e-7
    mid, half = (mp.mpf(float(hi)) + mp.mpf(float(lo))) / 2, (mp.mpf(float(hi)) - mp.mpf(float(lo))) / 2 * ratio
    return float(mid - half), float(mid + half)


def out(test, x, y, t, v, p, lo, hi, source):
    p, more = far(p, t, v)
    lo, hi = exact(lo, hi, v)
    join = lambda a: " ".join(repr(float(i)) for i in a)
    print(",".join([test, join(x), join(y)] + [repr(float(i)) for i in (t, v, p, lo, hi)] + [source + more]))


def groups():
    for n, m, shift, s1, s2 in [(2, 2, 0.1, 1, 1), (30, 30, 0.01, 0.01, 0.02), (5, 9, -1, 2, 0.1), (30, 30, 3, 0.1, 0.1), (10, 30, 0, 1, 5), (3, 40, 2, 1e-6, 1)]:
        yield rng.normal(0.5, s1, n), rng.normal(0.5 + shift, s2, m)
    yield np.array([0.5, 0.5, 0.5]), np.array([0.5, 0.75, 0.25, 1.0])


for x, y in groups():
    t, p, v = ttest_ind(x, y, usevar="unequal")
    lo, hi = CompareMeans(DescrStatsW(x), DescrStatsW(y)).tconfint_diff(usevar="unequal")
    out("welch", x, y, t, v, p, lo, hi, "statsmodels 0.13.5")
    r = stats.ttest_ind(x, y, equal_var=False)
    out("welch", x, y, r.statistic, v, r.pvalue, lo, hi, "scipy 1.10.1")
for n, shift, s in [(2, 0.3, 1), (30, 0.01, 0.02), (8, 2, 0.1), (30, 5, 0.05)]:
    x = rng.normal(0.5, 1, n)
    y = x + rng.normal(shift, s, n)
    r = stats.ttest_rel(x, y)
    ci = r.confidence_interval(0.95)
    out("paired", x, y, r.statistic, r.df, r.pvalue, ci.low, ci.high, "scipy 1.10.1")
    d = DescrStatsW(x - y)
    t, p, v = d.ttest_mean(0)
    lo, hi = d.tconfint_mean()
    out("paired", x, y, t, v, p, lo, hi, "statsmodels 0.13.5")
    r = stats.ttest_1samp(x, 0.4)
    ci = r.confidence_interval(0.95)
    out("onesample", x, [0.4], r.statistic, r.df, r.pvalue, ci.low - 0.4, ci.high - 0.4, "scipy 1.10.1")
