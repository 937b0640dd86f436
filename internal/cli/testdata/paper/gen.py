"""The paper's audit done by NumPy and SciPy, as a second implementation.

Run with Debian's python3-numpy 1.24.2 and python3-scipy 1.10.1:

    /usr/bin/python3 gen.py

writes predictions.csv (wide: id, label, one column per model) and expected.csv
(class, normalized recall difference in percentage points, Welch p, significant)
and expected_pies.csv (id, baseline modal label, variant modal label). As in the
authors' published code: each population's recalls are shifted by the
population's mean accuracy, Welch's t-test, p <= .05, and a tied vote goes to
the largest class index.
"""
import csv
import numpy as np
from scipy import stats

rng = np.random.default_rng(7)
N, C, K = 240, 6, 8
label = rng.integers(0, C, N)
ease = rng.uniform(0.45, 1.0, N)


def population(loss):
    out = np.empty((K, N), int)
    for k in range(K):
        p = np.clip(ease - np.array(loss)[label] + rng.normal(0, 0.02), 0, 1)
        wrong = (label + rng.integers(1, C, N)) % C
        out[k] = np.where(rng.random(N) < p, label, wrong)
    return out


pred = {"dense": population([0, 0, 0, 0, 0, 0]), "pruned": population([0.02, 0.02, 0.15, 0.02, 0.02, 0.06])}
with open("predictions.csv", "w", newline="") as f:
    w = csv.writer(f, lineterminator="\n")
    w.writerow(["id", "label"] + [f"{v}_{k}" for v in pred for k in range(K)])
    for i in range(N):
        w.writerow([f"e{i:03d}", label[i]] + [pred[v][k, i] for v in pred for k in range(K)])

recall = {v: np.array([[np.mean(p[k, label == c] == c) for c in range(C)] for k in range(K)]) for v, p in pred.items()}
accuracy = {v: np.mean(p == label) for v, p in pred.items()}
with open("expected.csv", "w", newline="") as f:
    w = csv.writer(f, lineterminator="\n")
    w.writerow(["class", "normalized_pp", "p", "significant"])
    for c in range(C):
        s0, st = recall["dense"][:, c] - accuracy["dense"], recall["pruned"][:, c] - accuracy["pruned"]
        p = stats.ttest_ind(st, s0, equal_var=False).pvalue
        w.writerow([c, repr(100 * (st.mean() - s0.mean())), repr(p), int(p <= 0.05)])


def modal(p):
    votes = np.array([[np.sum(p[:, i] == c) for c in range(C)] for i in range(N)])
    return C - 1 - np.argmax(votes[:, ::-1], axis=1)  # the largest index wins


m0, mt = modal(pred["dense"]), modal(pred["pruned"])
with open("expected_pies.csv", "w", newline="") as f:
    w = csv.writer(f, lineterminator="\n")
    w.writerow(["id", "base_modal", "variant_modal"])
    for i in np.flatnonzero(m0 != mt):
        w.writerow([f"e{i:03d}", m0[i], mt[i]])
