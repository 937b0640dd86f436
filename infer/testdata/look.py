"""Writes look.csv: contrast and sharpness of pictures made by a formula.

/usr/bin/python3 look.py   (Debian python3-numpy 1.24.2, python3-scipy 1.10.1, python3-pil 9.4.0)

Luminance is Pillow's convert("L"); contrast is numpy's std of it over 255,
sharpness the variance of scipy.ndimage.laplace with the border repeated.
"""
import csv
import numpy as np
import scipy
from PIL import Image, __version__ as pillow
from scipy import ndimage

with open("look.csv", "w", newline="") as f:
    f.write(f"# numpy {np.__version__}, scipy {scipy.__version__}, Pillow {pillow}: testdata/look.py\n")
    out = csv.writer(f)
    out.writerow(["width", "height", "channels", "a", "b", "contrast", "sharpness"])
    for w, h, c, a, b in [(1, 1, 3, 5, 7), (1, 9, 1, 31, 17), (8, 1, 3, 31, 17), (2, 2, 3, 101, 13), (32, 32, 3, 7, 3),
                          (32, 32, 3, 1, 1), (32, 32, 1, 127, 55), (17, 40, 3, 0, 0), (64, 48, 3, 128, 128), (224, 224, 3, 3, 2)]:
        y, x, k = np.meshgrid(np.arange(h), np.arange(w), np.arange(c), indexing="ij")
        pix = ((a * x + b * y + 53 * k + x * y // 7) % 256).astype(np.uint8)
        light = np.asarray(Image.fromarray(pix if c == 3 else pix[:, :, 0]).convert("L")).astype(np.float64) / 255
        out.writerow([w, h, c, a, b, repr(light.std()), repr(ndimage.laplace(light, mode="nearest").var())])
