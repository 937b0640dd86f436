#!/usr/bin/env python3
"""Decodes all JPEG files below a folder with Pillow, resizes the shorter side
to 256 (bilinear), crops 224 x 224 and makes a float32 array of it, as a data
loader does.

    pillow_decode.py FOLDER PROCESSES
"""
import multiprocessing
import pathlib
import sys
import time

import numpy as np
from PIL import Image


def load(path):
    with Image.open(path) as im:
        im = im.convert("RGB")
        scale = 256 / min(im.size)
        im = im.resize((round(im.width * scale), round(im.height * scale)), Image.BILINEAR)
        left, top = (im.width - 224) // 2, (im.height - 224) // 2
        x = np.asarray(im.crop((left, top, left + 224, top + 224)), np.float32) / 255
    return float(x[0, 0, 0])


def main():
    files = sorted(pathlib.Path(sys.argv[1]).rglob("*.jpg"))
    n = int(sys.argv[2])
    start = time.time()
    if n == 1:
        for f in files:
            load(f)
    else:
        with multiprocessing.Pool(n) as pool:
            for _ in pool.imap_unordered(load, files, chunksize=32):
                pass
    print(f"{len(files)} images in {time.time() - start:.2f} s")


if __name__ == "__main__":
    main()
