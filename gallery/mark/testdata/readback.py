"""Reads the exports of package mark back and checks what the formats demand.

FiftyOne: docs.voxel51.com/user_guide/import_datasets.html (FiftyOneDataset) and
fiftyone.utils.data.importers: samples.json is an object with a list "samples";
each sample has a "filepath" relative to the folder and a list "tags"; embedded
labels name their class in "_cls". metadata.json has no "version" (else ids and
schema of the database would be needed); info.classes is a list.

Label Studio: labelstud.io/guide/task_format and labelstud.io/guide/predictions:
a list of tasks; "data" has the keys that the labelling config refers to with $;
every result has from_name, to_name, type and value, the names are tags of the
config, the value has a key named by the type; a prediction has a result.
"""
import csv, io, json, re, struct, sys, zipfile
import xml.etree.ElementTree as ET


def png(b):
    assert b[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", b[16:24]) == (4, 3)


def tree(name):
    z = zipfile.ZipFile(f"{sys.argv[1]}/lethe-{name}.zip")
    assert z.testzip() is None
    return {n.removeprefix(f"lethe-{name}/"): z.read(n) for n in z.namelist()}


counts = []
with open(f"{sys.argv[1]}/marks.csv", newline="") as f:
    rows = list(csv.DictReader(f))
counts += ["csv", len(rows)]
with open(f"{sys.argv[1]}/marks.jsonl") as f:
    lines = [json.loads(line) for line in f]
counts += ["jsonl", len(lines)]
assert [r["id"] for r in rows] == [line["id"] for line in lines]
assert [r["note"] for r in rows] == [line["note"] for line in lines]
ids = {line["id"] for line in lines}

files = tree("fiftyone")
samples = json.loads(files["samples.json"])["samples"]
meta = json.loads(files["metadata.json"])
assert "version" not in meta and isinstance(meta["info"]["classes"], list)
for s in samples:
    assert not s["filepath"].startswith("/") and ".." not in s["filepath"].split("/")
    png(files[s["filepath"]])
    assert isinstance(s["tags"], list) and all(isinstance(t, str) for t in s["tags"])
    assert s["lethe_id"] in ids
    for key, value in s.items():
        assert key.isidentifier() and not key.startswith("_")  # a field's name
        if isinstance(value, dict):
            assert value["_cls"] == "Classification" and value["label"] in meta["info"]["classes"]
            assert 0 <= value.get("confidence", 0) <= 1
assert len({s["filepath"] for s in samples}) == len(samples)
counts += ["fiftyone", len(samples)]

files = tree("labelstudio")
tasks = json.loads(files["tasks.json"])
config = ET.fromstring(files["label-config.xml"])
tags = {t.get("name"): t for t in config.iter() if t.get("name")}
variables = [v[1:] for t in tags.values() for v in re.findall(r"\$\w+", t.get("value", ""))]
assert "image" in variables
assert tags["image"].tag == "Image"
for task in tasks:
    for v in variables:
        assert isinstance(task["data"][v], str)
    path = task["data"]["image"]
    assert path.startswith("/data/local-files/?d=lethe-labelstudio/images/")
    png(files[path.removeprefix("/data/local-files/?d=lethe-labelstudio/").replace("+", " ")])
    for p in task["predictions"]:
        assert isinstance(p["model_version"], str) and 0 <= p["score"] <= 1 and len(p["result"]) == 1
    for part in task["annotations"] + task["predictions"]:
        assert part["result"]
        for r in part["result"]:
            control = tags[r["from_name"]]
            assert r["to_name"] == control.get("toName") == "image"
            assert r["type"] == control.tag.lower()
            if r["type"] == "choices":
                (chosen,) = r["value"]["choices"]
                assert chosen in [c.get("value") for c in control.iter("Choice")]
            else:
                assert r["type"] == "textarea" and all(isinstance(t, str) for t in r["value"]["text"])
counts += ["labelstudio", len(tasks)]

files = tree("folder")
table = list(csv.DictReader(io.StringIO(files["examples.csv"].decode(), newline="")))
for row in table:
    png(files[row["path"]])
    assert row["id"] in ids and row["label"] in meta["info"]["classes"]
counts += ["folder", len(table)]
print(*counts)
