"""Reference values for stat/spearman.

Made with Python 3.11, numpy 1.24.2, scipy 1.10.1 (Debian 12):
    /usr/bin/python3 stat/spearman/testdata/gen.py > stat/spearman/testdata/reference.csv
rho and the t-based p are scipy.stats.spearmanr. For n <= 9 p is the share of
all n! orders (itertools) with |rho| >= observed. lo, hi: Bonett and Wright's
95 % interval with scipy.stats.norm.
"""
import itertools

import numpy as np
from scipy.stats import norm, rankdata, spearmanr

rng = np.random.default_rng(17)
print("x,y,rho,p,lo,hi")
cases = []
for n, noise, digits in [(4, 3, 3), (6, 3, 3), (7, .5, 0), (9, 2, 3), (8, .3, 0), (10, 1, 3), (25, 2, 1), (60, 1, 0), (200, .3, 4), (300, .5, 5)]:
    x = rng.normal(0, 1, n)
    cases.append((np.round(x, digits), np.round(-x + noise * rng.normal(0, 1, n), digits)))
for x, y in cases:
    n, (rho, p) = len(x), spearmanr(x, y)
    if n <= 9:
        a, b = rankdata(x) - (n + 1) / 2, rankdata(y) - (n + 1) / 2
        orders = b[np.array(list(itertools.permutations(range(n))))]
        p = (np.abs(orders @ a) >= abs(a @ b) - 1e-9).mean()
    half = norm.ppf(.975) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    print(",".join([";".join("%.10g" % v for v in x), ";".join("%.10g" % v for v in y)]
                   + ["%.17g" % v for v in (rho, p, np.tanh(np.arctanh(rho) - half), np.tanh(np.arctanh(rho) + half))]))
