"""Reference values for stat/contrast.

Made with Python 3.11, numpy 1.24.2, scipy 1.10.1 (Debian 12):
    /usr/bin/python3 stat/contrast/testdata/gen.py > stat/contrast/testdata/reference.csv
T and the effect are computed from the expanded vectors of D. p_normal is
2*norm.sf(|T|); p_exact sums scipy.stats.multivariate_hypergeom over all class
compositions with |T*| >= |T| (empty where there are too many of them).
"""
import numpy as np
from scipy.stats import multivariate_hypergeom, norm


def vector(m, z, p):
    return np.repeat([-1., 0., 1.], [m, z, p])


def t_of(c, r):
    d = c.mean() - r.mean()
    se2 = c.var() / len(c) + r.var() / len(r)
    return d / np.sqrt(se2) if se2 > 1e-15 else (0. if abs(d) < 1e-12 else np.sign(d) * np.inf)


print("class_minus,class_zero,class_plus,rest_minus,rest_zero,rest_plus,effect,t,p_normal,p_exact")
for c, r in [((3, 5, 1), (2, 20, 4)), ((8, 40, 2), (30, 400, 35)), ((5, 0, 0), (0, 30, 0)), ((1, 9, 0), (0, 50, 0)),
             ((0, 10, 0), (15, 60, 11)), ((12, 30, 3), (3, 80, 3)), ((25, 100, 4), (40, 800, 45)), ((0, 7, 2), (6, 0, 3)),
             ((113, 887, 101), (60, 8900, 53)), ((900, 3000, 100), (200, 30000, 260)), ((20, 20, 1), (0, 500, 0))]:
    x, y = vector(*c), vector(*r)
    t = t_of(x, y)
    all_ = np.array(c) + r
    n, p_exact = sum(c), ""
    if (min(all_[0], n) + 1) * (min(all_[2], n) + 1) < 3000:
        p = 0.
        for a in range(0, min(all_[0], n) + 1):
            for b in range(0, min(all_[2], n - a) + 1):
                z = n - a - b
                if z > all_[1]:
                    continue
                s = t_of(vector(a, z, b), vector(all_[0] - a, all_[1] - z, all_[2] - b))
                if abs(s) >= abs(t) * (1 - 1e-9):
                    p += multivariate_hypergeom.pmf([a, z, b], all_, n)
        p_exact = "%.17g" % p
    print(",".join([",".join(map(str, c + r)), "%.17g" % (len(y) / (len(x) + len(y)) * (x.mean() - y.mean())),
                    "%.17g" % t, "%.17g" % (2 * norm.sf(abs(t))), p_exact]))
