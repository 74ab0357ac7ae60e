# SPDX-License-Identifier: Apache-2.0
"""report_schema_test.py SAMPLE_PROGRAM FOLDER SCHEMA

The JSON forms of the sample reports follow docs/report.schema.json, and spoiled ones do not.
Exits 77 where fastjsonschema is not installed.
"""
import copy
import json
import pathlib
import subprocess
import sys

try:
    import fastjsonschema
except ImportError:
    print("skipped: fastjsonschema is not installed (tools/setup.sh test)")
    sys.exit(77)

program, folder, schema = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
subprocess.run([program, str(folder)], check=True)
validate = fastjsonschema.compile(json.loads(schema.read_text()))

for name in ("sample", "hostile", "full"):
    validate(json.loads((folder / f"{name}.json").read_text()))

sample = json.loads((folder / "sample.json").read_text())
kinds = {block["type"] for block in sample["blocks"]}
assert kinds == {"text", "table", "figure", "findings", "case"}, kinds
figures = {block["kind"] for block in sample["blocks"] if block["type"] == "figure"}
assert len(figures) == 8, figures


def spoiled():
    """One wrong document for each rule that matters."""
    for key in ("schema", "title", "subtitle", "verdict", "facts", "figures", "blocks"):
        document = copy.deepcopy(sample)
        del document[key]
        yield f"without {key}", document
    for i, block in enumerate(sample["blocks"]):
        for key in block:
            if key == "reference":
                continue
            document = copy.deepcopy(sample)
            del document["blocks"][i][key]
            yield f"block {i} without {key}", document
    document = copy.deepcopy(sample)
    document["figures"][0]["value"] = "many"
    yield "a figure that is no number", document


wrong = 0
for what, document in spoiled():
    try:
        validate(document)
    except fastjsonschema.JsonSchemaException:
        wrong += 1
    else:
        sys.exit(f"accepted: {what}")
print(f"3 documents follow the schema, {wrong} spoiled ones do not")
