"""Reference values for stat/components, straight from the definitions.

Made with Python 3.11, numpy 1.24.2 (Debian 12):
    /usr/bin/python3 stat/components/testdata/gen.py > stat/components/testdata/reference.csv
Tables are written row by row as digits of X+1, rows separated by "/"; two
populations are separated by "|", class and rest by "#".
"""
import numpy as np


def parts(x):
    k, n = x.shape
    a = x.mean(1).var(ddof=1) / k
    b = x.mean(0).var(ddof=1) / n
    r = x - x.mean(1, keepdims=True) - x.mean(0, keepdims=True) + x.mean()
    e = (r**2).sum() / ((k - 1) * (n - 1)) / (k * n)
    return a, b, e


def dof(v, terms):
    return v**2 / sum(t**2 / d for t, d in terms)


def text(x):
    return "/".join("".join(str(v + 1) for v in row) for row in x)


def row(kind, table, mean, a, b, e, am, bm, em):
    """am, bm, em: [(part, dof)] whose sums are a, b, e."""
    both = max(a + b - e, a, b)
    print(",".join([kind, table] + ["%.17g" % v for v in (
        mean, a, b, e, both, dof(a, am), dof(b, bm), max(dof(both, am + bm + em), min(d for _, d in am + bm)))]))


rng = np.random.default_rng(2024)
print("kind,table,mean,a,b,e,both,dof_members,dof_examples,dof_both")
for k, n in [(3, 4), (3, 5), (5, 12), (8, 30)]:
    x = rng.integers(-1, 2, (k, n)) * (rng.random((1, n)) < .7)
    a, b, e = parts(x)
    row("paired", text(x), x.mean(), a, b, e, [(a, k - 1)], [(b, n - 1)], [(e, (k - 1) * (n - 1))])
for k0, kt, n in [(2, 3, 4), (4, 4, 11), (7, 3, 25)]:
    p = rng.random((1, n))
    x, y = (rng.random((k0, n)) < p).astype(int), (rng.random((kt, n)) < p * .8).astype(int)
    a0, _, e0 = parts(x)
    at, _, et = parts(y)
    b = (y.mean(0) - x.mean(0)).var(ddof=1) / n
    row("unpaired", text(x) + "|" + text(y), y.mean() - x.mean(), a0 + at, b, e0 + et,
        [(a0, k0 - 1), (at, kt - 1)], [(b, n - 1)], [(e0, (k0 - 1) * (n - 1)), (et, (kt - 1) * (n - 1))])
for k, nc, nr in [(3, 4, 9), (6, 10, 40)]:
    x = rng.integers(-1, 2, (k, nc + nr)) * (rng.random((1, nc + nr)) < .6)
    c, r = x[:, :nc], x[:, nc:]
    w = nc / (nc + nr)
    s = c.mean(1) - x.mean(1)
    a = s.var(ddof=1) / k
    bs = [(1 - w)**2 * g.mean(0).var(ddof=1) / g.shape[1] for g in (c, r)]
    es = [(1 - w)**2 * parts(g)[2] for g in (c, r)]
    row("paired normalized", text(c) + "#" + text(r), s.mean(), a, sum(bs), sum(es),
        [(a, k - 1)], list(zip(bs, (nc - 1, nr - 1))), list(zip(es, ((k - 1) * (nc - 1), (k - 1) * (nr - 1)))))
for k0, kt, nc, nr in [(3, 5, 6, 14), (4, 2, 8, 3)]:
    p = rng.random((1, nc + nr))
    x, y = (rng.random((k0, nc + nr)) < p).astype(int), (rng.random((kt, nc + nr)) < p).astype(int)
    w = nc / (nc + nr)
    s0, st = (z[:, :nc].mean(1) - z.mean(1) for z in (x, y))
    am = [(s0.var(ddof=1) / k0, k0 - 1), (st.var(ddof=1) / kt, kt - 1)]
    bm, em = [], []
    for g, n in ((slice(0, nc), nc), (slice(nc, None), nr)):
        bm.append(((1 - w)**2 * (y[:, g].mean(0) - x[:, g].mean(0)).var(ddof=1) / n, n - 1))
        for z, k in ((x, k0), (y, kt)):
            em.append(((1 - w)**2 * parts(z[:, g])[2], (k - 1) * (n - 1)))
    total = [sum(v for v, _ in m) for m in (am, bm, em)]
    row("unpaired normalized", text(x[:, :nc]) + "|" + text(y[:, :nc]) + "#" + text(x[:, nc:]) + "|" + text(y[:, nc:]),
        st.mean() - s0.mean(), *total, am, bm, em)
