"""Writes score.csv: how good the relabel queue is on CIFAR-10's test labels.

/usr/bin/python3 score.py DATA   (Debian python3-numpy 1.24.2, python3-sklearn 1.2.1)

DATA is the folder of real data. For each baseline population: the mean of what its
members give each class (shares of votes, or softmax of logits), the normalized
margin of every label as its score, and then

  ap275     average precision of the score among the 275 images that five people
            each looked at (label-errors); wrong are the 54 whose given label fewer
            than three of the five kept (Northcutt, Athalye, Mueller 2021)
  p100      share of the first 100 of all 10,000 (equal scores in the order of the
            data) on which the label that most people gave in CIFAR-10H is another
  p100same  the same, and that label is the suggested one
  likely    labels off the diagonal of the confident joint; of these, judged in
            the 275 and found wrong there; and with another majority in CIFAR-10H

and beside them what a random ranking gives: the expected average precision,
(R-1)/(N-1) (1 - H/N) + H/N with H = 1 + 1/2 + ... + 1/N, its 97.5 % quantile over
10,000 seeded random rankings, and the share of all images with another majority.
Comment lines have the same for ranking by self-confidence alone.
"""
import glob
import json
import sys

import numpy as np
import sklearn
from sklearn.metrics import average_precision_score

data = sys.argv[1]
y = np.load(f"{data}/label-errors/cifar10_test_set_original_labels.npy")
people = np.load(f"{data}/cifar10h/cifar10h-counts.npy").argmax(axis=1)
judged = json.load(open(f"{data}/label-errors/cifar10_mturk.json"))
ids = np.array([x["id"] for x in judged])
wrong = np.array([x["mturk"]["given"] < 3 for x in judged])
rows = np.arange(len(y))


def votes(files):
    p = np.zeros((len(y), 10))
    for f in files:
        p[rows, np.array(json.load(open(f)))] += 1
    return p / len(files)


def softmax(name):
    z = np.load(f"{data}/cifar10-computed-predictions/{name}_logits.f32.npy").astype(np.float64)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


n, r = len(ids), wrong.sum()
h = (1 / np.arange(1, n + 1)).sum()
random_ap = (r - 1) / (n - 1) * (1 - h / n) + h / n
rng = np.random.default_rng(1)
draws = [average_precision_score(wrong, rng.random(n)) for _ in range(10000)]
assert abs(np.mean(draws) - random_ap) < 0.001
random_975 = np.quantile(draws, 0.975)

cv = np.load(f"{data}/label-errors/cifar10_test_set_pyx.npy").astype(np.float64)
populations = {
    "cifar10.1": votes(sorted(glob.glob(f"{data}/cifar10.1/model_predictions/original_predictions/*.json"))),
    "resnet8": (softmax("resnet8_fp32") + softmax("resnet8large_fp32")) / 2,
    "cross-validated": cv / cv.sum(axis=1, keepdims=True),
}
with open("score.csv", "w") as out:
    out.write(f"# numpy {np.__version__}, scikit-learn {sklearn.__version__}: testdata/score.py\n")
    out.write("population,members_right,ap275,ap275_random,ap275_random_975,p100,p100_random,p100same,likely,likely_judged,likely_wrong,likely_people\n")
    for name, p in populations.items():
        own = p[rows, y]
        rest = p.copy()
        rest[rows, y] = -1
        score = (1 + rest.max(axis=1) - own) / 2
        t = np.array([p[y == j, j].mean() for j in range(10)])
        reached = np.where(p >= t - 1e-6, p, -1)
        sure = reached.argmax(axis=1)
        likely = (reached.max(axis=1) >= 0) & (sure != y) & (p[rows, sure] > own)
        suggested = np.where(likely, sure, rest.argmax(axis=1))
        top = np.argsort(-np.round(score, 12), kind="stable")[:100]
        other = people != y
        out.write(",".join(str(v) for v in [
            name, (p.argmax(axis=1) == y).sum(), average_precision_score(wrong, np.round(score[ids], 12)), random_ap, random_975,
            other[top].mean(), other.mean(), (other[top] & (people[top] == suggested[top])).mean(),
            likely.sum(), likely[ids].sum(), (likely[ids] & wrong).sum(), (likely & other).sum()]) + "\n")
        own_top = np.argsort(np.round(own, 12), kind="stable")[:100]
        out.write(f"# {name} by self-confidence: ap275 {average_precision_score(wrong, -np.round(own[ids], 12)):.4f}, p100 {other[own_top].mean()}\n")
