#!/usr/bin/python3
"""The yardstick: the PIE and Welch work of `lethe audit`, in NumPy, pandas and SciPy.

    pie_welch.py csv FILE.csv[.gz]     long table: example, model, variant, label, prediction
    pie_welch.py npy DIR               labels.npy and one VARIANT-K.npy for each model

The first variant is the baseline: "dense", or the first in the file. For every
other variant it computes

  * recall by class and member, Welch's t-test on recall minus the member's own
    accuracy, and Benjamini-Hochberg q (method 2.1, 3.2);
  * modal labels (ties to the lowest class), the PIE share, ties, and the
    taxicab distance of every example (method 2.3, 2.5).

It prints one JSON object: the numbers, to check that both programs did the same
work, the seconds of each part, and the peak memory. Written as an analyst who
knows NumPy would write it: no Python loop over examples, arrays in the smallest
type, votes counted in chunks so that they stay in the cache.

Debian 12: python3 with numpy 1.24.2, scipy 1.10.1, pandas 1.5.3.
"""

import glob
import json
import os
import re
import resource
import sys
import time

import numpy as np
import pandas as pd
from scipy import stats

CHUNK = 8192


def load_csv(path):
    """labels [N], and {variant: [K, N] predictions}, in the order of the file."""
    df = pd.read_csv(path, dtype={"example": "category", "model": "category", "variant": "category"})
    first = df.drop_duplicates("example")
    labels = pd.Series(first["label"].to_numpy(), index=first["example"].to_numpy())
    order = labels.index
    out = {}
    for variant in df["variant"].drop_duplicates():
        part = df[df["variant"] == variant]
        wide = part.pivot(index="model", columns="example", values="prediction")
        out[variant] = wide[order].to_numpy(dtype=np.int32)
    return labels.to_numpy(), out


def load_npy(folder):
    labels = np.load(os.path.join(folder, "labels.npy"))
    out = {}
    files = [f for f in glob.glob(os.path.join(folder, "*.npy")) if os.path.basename(f) != "labels.npy"]
    name = lambda f: re.match(r"(.*)-(\d+)\.npy$", os.path.basename(f))
    for f in sorted(files, key=lambda f: (name(f).group(1) != "dense", name(f).group(1), int(name(f).group(2)))):
        out.setdefault(name(f).group(1), []).append(np.load(f))
    return labels, {v: np.stack(p) for v, p in out.items()}


def recalls(labels, pred, classes):
    """recall [K, C] and accuracy [K]."""
    n = np.bincount(labels, minlength=classes)
    r = np.empty((len(pred), classes))
    for k, p in enumerate(pred):
        r[k] = np.bincount(labels[p == labels], minlength=classes) / np.maximum(n, 1)
    return r, (pred == labels).mean(axis=1)


def benjamini_hochberg(p):
    order = np.argsort(p)
    q = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.minimum.accumulate(q[::-1])[::-1]
    out = np.empty_like(q)
    out[order] = np.minimum(q, 1)
    return out


def welch(base, variant):
    """p and q by class, on recall minus the member's own accuracy."""
    (r0, a0), (rt, at) = base, variant
    with np.errstate(all="ignore"):
        p = stats.ttest_ind(rt - at[:, None], r0 - a0[:, None], axis=0, equal_var=False).pvalue
    p = p[np.isfinite(p)]
    return p, benjamini_hochberg(p)


def votes(pred, classes):
    """counts [n, C] of one chunk of examples."""
    counts = np.zeros((pred.shape[1], classes), dtype=np.int16)
    rows = np.arange(pred.shape[1])
    for p in pred:
        counts[rows, p] += 1
    return counts


def pie(base, variants, classes):
    """PIE share, ties and mean taxicab distance of each variant."""
    n = base.shape[1]
    out = {v: {"pies": 0, "tied": 0, "taxicab": 0.0} for v in variants}
    for i in range(0, n, CHUNK):
        b = votes(base[:, i:i + CHUNK], classes)
        modal = b.argmax(axis=1)
        tied0 = (b == b.max(axis=1)[:, None]).sum(axis=1) > 1
        share = b.astype(np.float32) / len(base)
        for v, pred in variants.items():
            c = votes(pred[:, i:i + CHUNK], classes)
            tied = (c == c.max(axis=1)[:, None]).sum(axis=1) > 1
            out[v]["pies"] += int((c.argmax(axis=1) != modal).sum())
            out[v]["tied"] += int((tied | tied0).sum())
            out[v]["taxicab"] += float(np.abs(share - c.astype(np.float32) / len(pred)).sum())
    for v in out:
        out[v]["pie_share"] = out[v].pop("pies") / n
        out[v]["taxicab"] /= n
    return out


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("csv", "npy"):
        sys.exit(__doc__)
    t0 = time.perf_counter()
    labels, pred = (load_csv if sys.argv[1] == "csv" else load_npy)(sys.argv[2])
    classes = int(max(labels.max(), max(p.max() for p in pred.values()))) + 1
    t1 = time.perf_counter()
    baseline = next(iter(pred))
    by_class = {v: recalls(labels, p, classes) for v, p in pred.items()}
    result = {}
    for v in pred:
        if v != baseline:
            p, q = welch(by_class[baseline], by_class[v])
            result[v] = {
                "accuracy": float(by_class[v][1].mean()),
                "raw_significant": int((p <= 0.05).sum()),
                "bh_significant": int((q <= 0.05).sum()),
            }
    t2 = time.perf_counter()
    for v, r in pie(pred[baseline], {v: p for v, p in pred.items() if v != baseline}, classes).items():
        result[v].update(r)
    t3 = time.perf_counter()
    json.dump({
        "examples": int(len(labels)), "classes": classes, "models": int(sum(len(p) for p in pred.values())),
        "baseline": baseline, "variants": result,
        "seconds": {"load": t1 - t0, "welch": t2 - t1, "pie": t3 - t2, "total": t3 - t0},
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
