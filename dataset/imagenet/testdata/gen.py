#!/usr/bin/python3
"""Makes meta.mat and meta_packed.mat, in the form of the development kit's.

    cd dataset/imagenet/testdata && /usr/bin/python3 gen.py

Ran with Debian 12: scipy 1.10.1, numpy 1.24.2. The classes are made up: their
numbers are not in the order of their WordNet ids, and 4 is an inner node, as
in the real file.
"""
import numpy as np
from scipy.io import savemat

rows = [
    (1, "n00000030", "third thing, thing of all things", 0.0),
    (2, "n00000010", "first thing", 0.0),
    (3, "n00000020", "second thing, caf\u00e9", 0.0),
    (4, "n00000040", "entity", 3.0),
]
fields = ["ILSVRC2012_ID", "WNID", "words", "gloss", "num_children", "children", "wordnet_height", "num_train_images"]
synsets = np.zeros((len(rows), 1), dtype=[(f, object) for f in fields])
for i, (number, wnid, words, children) in enumerate(rows):
    synsets[i, 0] = (np.uint8(number) if i % 2 else float(number), wnid, words, "what it means", children, np.arange(3.0), 0.0, 1300.0)
for name, packed in (("meta.mat", False), ("meta_packed.mat", True)):
    savemat(name, {"synsets": synsets}, do_compression=packed)
    data = bytearray(open(name, "rb").read())
    data[:116] = b"MATLAB 5.0 MAT-file, made by gen.py".ljust(116)  # no date: the same bytes every time
    open(name, "wb").write(bytes(data))
