# Writes base.kld, candidate.kld and kld.csv. Run: /usr/bin/python3 gen.py
# (numpy 1.24.2). The files are laid out as tools/perplexity/perplexity.cpp of
# llama.cpp writes them (function log_softmax with uint16_t * log_prob, and
# perplexity); the numbers are computed here from the rows as stored, in float64.
import struct
import numpy as np

CTX, VOCAB, CHUNKS = 10, 37, 4
rng = np.random.default_rng(1)
tokens = rng.integers(0, VOCAB, CTX * CHUNKS).astype("<i4")
rows = CTX - 1 - CTX // 2


def row(logits):
    logits = logits.astype(np.float32)
    top = logits.max()
    low = max(logits.min(), top - np.float32(16))
    lse = np.float32(np.log(np.exp((logits - top).astype(np.float64)).sum()))
    scale = np.float32((top - low) / np.float32(65535))
    least = np.float32(low - top - lse)
    u = np.where(logits > low, np.rint((logits - low) / scale), 0).astype("<u2")
    stored = np.float64(least) + np.float64(scale) * u
    pad = b"\0" * (2 * (2 * ((VOCAB + 1) // 2) - VOCAB))
    return struct.pack("<ff", scale, least) + u.tobytes() + pad, stored


def write(name, logits):
    with open(name, "wb") as f:
        f.write(b"_logits_" + struct.pack("<iii", CTX, VOCAB, CHUNKS) + tokens.tobytes())
        out = []
        for x in logits:
            b, s = row(x)
            f.write(b)
            out.append(s)
    return np.array(out)


base = rng.normal(0, 4, (CHUNKS * rows, VOCAB))
p = write("base.kld", base)
q = write("candidate.kld", base + rng.normal(0, 0.6, base.shape))
kld = np.where(p > -16, np.exp(p) * (p - q), 0).sum(1)
nxt = np.array([tokens[c * CTX + CTX // 2 + r + 1] for c in range(CHUNKS) for r in range(rows)])
i = np.arange(len(nxt))
same = (p.argmax(1) == q.argmax(1)).astype(float)


def se(x):
    return x.reshape(CHUNKS, rows).mean(1).std(ddof=1) / np.sqrt(CHUNKS)


ratio = p[i, nxt] - q[i, nxt]
dp = np.exp(q[i, nxt]) - np.exp(p[i, nxt])
values = {
    "mean": kld.mean(), "mean_se": se(kld), "median": np.quantile(kld, 0.5), "q99": np.quantile(kld, 0.99),
    "same_top": same.mean(), "ppl_base": np.exp(-p[i, nxt].mean()), "ppl": np.exp(-q[i, nxt].mean()),
    "ratio": ratio.mean(), "ratio_se": se(ratio), "mean_delta_p": dp.mean(), "rms_delta_p": np.sqrt((dp**2).mean()),
}
with open("kld.csv", "w") as f:
    f.write("name,value\n")
    for k, v in values.items():
        f.write(f"{k},{v!r}\n")
