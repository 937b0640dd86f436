#!/usr/bin/python3
"""Writes what Pillow makes of photographs to standard output, for TestPhotographs.

    /usr/bin/python3 photos.py FILE...

For each file: the bytes of convert("RGB"), then those after torchvision's
Resize(256) and CenterCrop(224).
"""
import sys

from PIL import Image

for name in sys.argv[1:]:
    im = Image.open(name).convert("RGB")
    sys.stdout.buffer.write(im.tobytes())
    w, h = im.size
    short, long = min(w, h), max(w, h)
    size = (256, int(256 * long / short)) if w <= h else (int(256 * long / short), 256)
    im = im.resize(size, Image.Resampling.BILINEAR)
    left, top = int(round((im.width - 224) / 2.0)), int(round((im.height - 224) / 2.0))
    sys.stdout.buffer.write(im.crop((left, top, left + 224, top + 224)).tobytes())
