"""Writes reference.csv: thresholds and verdicts of confident learning.

/usr/bin/python3 gen.py   (Debian python3-numpy 1.24.2)

Whole-matrix numpy, written from equation 2 of Northcutt et al. 2021. Each data
set is Dirichlet probabilities with labels drawn from them or at random.
"""
import numpy as np

r = np.random.default_rng(11)
with open("reference.csv", "w") as f:
    f.write(f"# numpy {np.__version__}, testdata/gen.py\n# set,given,suggested,issue,score,p...\n")
    for s, (n, c, sharp) in enumerate([(60, 2, 1.0), (80, 3, 0.5), (120, 5, 0.2), (40, 10, 0.1)]):
        p = r.dirichlet(np.full(c, sharp), n)
        y = np.array([r.choice(c, p=row) for row in p])
        noisy = r.random(n) < 0.25
        y[noisy] = r.integers(0, c, noisy.sum())
        if s == 3:
            y[y == c - 1] = 0  # a class that no example carries
        t = np.array([p[y == j, j].mean() if (y == j).any() else 2.0 for j in range(c)])
        reached = np.where(p >= t - 1e-6, p, -1.0)
        sure = reached.argmax(axis=1)
        own = p[np.arange(n), y]
        others = p.copy()
        others[np.arange(n), y] = -1
        issue = (reached.max(axis=1) >= 0) & (sure != y) & (p[np.arange(n), sure] > own)
        suggested = np.where(issue, sure, others.argmax(axis=1))
        score = (1 + others.max(axis=1) - own) / 2
        for i in range(n):
            f.write(",".join([str(s), str(y[i]), str(suggested[i]), str(int(issue[i])), repr(score[i])] + [repr(v) for v in p[i]]) + "\n")
