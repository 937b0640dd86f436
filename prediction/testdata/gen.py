"""Writes float16.csv: float32 bits and the float16 bits numpy rounds them to.

/usr/bin/python3 gen.py   (Debian python3-numpy 1.24.2)
"""
import numpy as np

r = np.random.default_rng(7)
bits = np.concatenate([
    # all exponents that matter, random fractions
    (r.integers(96, 145, 1500, dtype=np.uint32) << 23) | r.integers(0, 1 << 23, 1500, dtype=np.uint32),
    # halfway points and their neighbours
    ((r.integers(100, 143, 300, dtype=np.uint32) << 23) | (r.integers(0, 1 << 10, 300, dtype=np.uint32) << 13) | 0x1000),
    ((r.integers(100, 143, 100, dtype=np.uint32) << 23) | (r.integers(0, 1 << 10, 100, dtype=np.uint32) << 13) | 0x1001),
    np.array([65504, 65519.996, 65520, 65536, 2.0**-24, 2.0**-25, 2.0**-26, 0, 1e-10], np.float32).view(np.uint32),
]).astype(np.uint32)
bits[::2] |= np.uint32(0x80000000)
with np.errstate(over="ignore"):
    half = bits.view(np.float32).astype(np.float16).view(np.uint16)
with open("float16.csv", "w") as f:
    f.write(f"# numpy {np.__version__}, testdata/gen.py\nfloat32,float16\n")
    for b, h in zip(bits, half):
        f.write(f"{b:08x},{h:04x}\n")
