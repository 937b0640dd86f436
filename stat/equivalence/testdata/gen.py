"""Writes reference.csv: kind, x, y, parameters, p within, p beyond (or TOST p, "").

Run: /usr/bin/python3 gen.py > reference.csv
Source: statsmodels 0.13.5 stats.weightstats: DescrStatsW.ttest_mean and ttost_mean
for pairs, ttest_ind and ttost_ind (usevar="unequal") for two groups. x is the baseline,
y the variant; the loss is x - y and a relative margin scales x by 1 - f first. P below
1e-12: mpmath 1.2.1's incomplete beta at statsmodels' t and dof.
"""
import mpmath as mp
import numpy as np
import statsmodels
from statsmodels.stats.weightstats import DescrStatsW, ttest_ind, ttost_ind

assert statsmodels.__version__.startswith("0.13.5")
mp.mp.dps = 40
rng = np.random.default_rng(6)
join = lambda a: " ".join(repr(float(v)) for v in a)


def pval(t, p, v):
    if p > 1e-12:
        return repr(float(p))
    t, v = mp.mpf(float(t)), mp.mpf(float(v))
    return mp.nstr(mp.betainc(v / 2, mp.mpf(1) / 2, 0, v / (v + t * t), regularized=True) / 2, 17)


for n, m, drop, noise in [(30, 30, 0.01, 0.01), (5, 9, 0.03, 0.02), (30, 30, 0.2, 0.005), (10, 10, -0.02, 0.03)]:
    x, y = rng.normal(0.9, 0.01, n), rng.normal(0.9 - drop, noise, m)
    z = x - drop + rng.normal(0, noise / 2, n)
    for f, margin in [(0.0, 0.02), (0.05, 0.0), (0.0, 0.1)]:
        a = (1 - f) * x
        t1, p1, v = ttest_ind(a, y, "smaller", "unequal", value=margin)
        t2, p2, _ = ttest_ind(a, y, "larger", "unequal", value=margin)
        print(",".join(["unpaired", join(x), join(y), join([f, margin]), pval(t1, p1, v), pval(t2, p2, v)]))
        d = DescrStatsW(a - z)
        t1, p1, v = d.ttest_mean(margin, "smaller")
        t2, p2, _ = d.ttest_mean(margin, "larger")
        print(",".join(["paired", join(x), join(z), join([f, margin]), pval(t1, p1, v), pval(t2, p2, v)]))
    print(",".join(["tost", join(x), join(y), join([-0.02, 0.02]), repr(float(ttost_ind(x, y, -0.02, 0.02, usevar="unequal")[0])), ""]))
