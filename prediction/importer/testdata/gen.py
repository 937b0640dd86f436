"""Writes the arrays of npy_test.go with numpy's own writer.

/usr/bin/python3 gen.py   (Debian python3-numpy 1.24.2)

scores.csv holds the numbers that every scores_* array has, as decimal text;
they are exact in half precision.
"""
import numpy as np

rng = np.random.default_rng(3)
scores = rng.integers(-2000, 2000, (7, 5)) / 64.0
np.savetxt("scores.csv", scores, fmt="%.17g", delimiter=",", header=f"numpy {np.__version__}, gen.py")
for t in ["<f2", "<f4", "<f8", ">f2", ">f4", ">f8"]:
    name = t.replace("<", "le_").replace(">", "be_")
    np.save(f"scores_{name}.npy", scores.astype(t))
    np.save(f"scores_{name}_fortran.npy", np.asfortranarray(scores.astype(t)))

labels = np.array([0, 4, 2, 1, 3, 0, 2])
for t in ["|u1", "|i1", "<u2", "<i2", ">i2", "<u4", "<i4", ">u4", "<u8", "<i8", ">i8", "<f4", "<f8", "<f2"]:
    name = t.replace("<", "le_").replace(">", "be_").replace("|", "")
    np.save(f"labels_{name}.npy", labels.astype(t))
np.save("labels_column.npy", labels[:, None])
words = np.array(["cat", "dog", "ant", "bée", "eel"])[labels]
np.save("words_U.npy", words)
np.save("words_be_U.npy", words.astype(">U4"))
np.save("words_S.npy", np.char.encode(words, "utf-8"))
np.save("bools.npy", labels > 1)
with open("labels_v3.npy", "wb") as f:
    np.lib.format.write_array(f, labels, version=(3, 0))
with open("labels_v2.npy", "wb") as f:
    np.lib.format.write_array(f, labels, version=(2, 0))
np.savez("stored.npz", labels=labels, logits=scores.astype("<f4"))
np.savez_compressed("packed.npz", labels=labels, logits=scores.astype("<f4"))
np.savez("one.npz", labels)
np.savez("many.npz", a=labels, b=labels)
