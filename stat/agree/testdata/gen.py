"""Reference values for stat/agree.

Made with Python 3.11, numpy 1.24.2, statsmodels 0.13.5 (Debian 12):
    /usr/bin/python3 stat/agree/testdata/gen.py > stat/agree/testdata/reference.csv
kappa is statsmodels.stats.inter_rater.fleiss_kappa; its se is Gwet's (2021)
formula on the whole table; alpha is Krippendorff's, from the coincidence
matrix of all pairs, its se the delete-one-unit jackknife. table has rows
separated by "/", counts by ";". Tables with unequal ratings have no kappa.
"""
import numpy as np
from statsmodels.stats.inter_rater import fleiss_kappa


def kappa_se(t):
    n, r = len(t), t[0].sum()
    pi = t.sum(0) / t.sum()
    e, a = (pi**2).sum(), (t * (t - 1)).sum(1) / (r * (r - 1))
    k = (a.mean() - e) / (1 - e)
    star = (a - e - 2 * (1 - k) * ((t / r) @ pi - e)) / (1 - e)
    return np.sqrt(((star - k)**2).sum() / (n * (n - 1)))


def alpha(t):
    c = np.zeros((t.shape[1],) * 2)
    for row in t:
        if row.sum() >= 2:
            c += (np.outer(row, row) - np.diag(row)) / (row.sum() - 1)
    n, nk = c.sum(), c.sum(0)
    e = (np.outer(nk, nk) - np.diag(nk)) / (n - 1)
    return 1 - (n - np.trace(c)) / (e.sum() - np.trace(e))


def alpha_se(t):
    t = t[t.sum(1) >= 2]
    a = np.array([alpha(np.delete(t, i, 0)) for i in range(len(t))])
    return np.sqrt((len(t) - 1) / len(t) * ((a - a.mean())**2).sum())


rng = np.random.default_rng(13)
print("table,kappa,kappa_se,alpha,alpha_se")
tables = [np.array([[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0],
                    [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]])]
for n, r, k in [(8, 2, 2), (20, 5, 3), (40, 50, 2)]:
    tables.append(np.array([rng.multinomial(r, rng.dirichlet([.6] * k)) for _ in range(n)]))
for n, k in [(12, 4), (25, 2)]:
    tables.append(np.array([rng.multinomial(rng.integers(0, 5), rng.dirichlet([.4] * k)) for _ in range(n)]))
for t in tables:
    equal = len(set(t.sum(1))) == 1
    print(",".join(["/".join(";".join(map(str, row)) for row in t),
                    "%.17g" % fleiss_kappa(t) if equal else "", "%.17g" % kappa_se(t) if equal else "",
                    "%.17g" % alpha(t), "%.17g" % alpha_se(t)]))
