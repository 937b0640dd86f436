"""Reference values for stat/jackknife.

Made with Python 3.11, numpy 1.24.2, scipy 1.10.1 (Debian 12):
    /usr/bin/python3 stat/jackknife/testdata/gen.py > stat/jackknife/testdata/reference.csv
The statistic is a nonlinear one, the ratio of two means; its replicates are
recomputed from the members. x is the baseline, y the variant, values joined
by ";". lo and hi are the 95 % interval for scipy.stats.t.
"""
import numpy as np
from scipy.stats import t


def jack(r):
    return (len(r) - 1) / len(r) * ((r - r.mean())**2).sum()


rng = np.random.default_rng(7)
print("rep0,rept,estimate,v0,v,dof,lo,hi")
for k0, kt in [(2, 2), (3, 10), (30, 30), (12, 5)]:
    x, y = rng.normal(5, 1, k0), rng.normal(4, 1, kt)
    rep0 = np.array([y.mean() / np.delete(x, k).mean() for k in range(k0)])
    rept = np.array([np.delete(y, k).mean() / x.mean() for k in range(kt)])
    est, v, dof = y.mean() / x.mean(), jack(rep0) + jack(rept), min(k0, kt) - 1
    lo, hi = t.interval(.95, dof, est, np.sqrt(v))
    print(",".join([";".join("%.17g" % z for z in rep0), ";".join("%.17g" % z for z in rept)]
                   + ["%.17g" % z for z in (est, jack(rep0), v, dof, lo, hi)]))
