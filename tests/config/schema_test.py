"""Holds docs/schema/*.schema.json against the decoder.

The decoder's verdict on each text of the corpus is tested by corpus_test.cpp; here the schema gives
its own. It must refuse what the corpus marks `schema: refuses`, accept what is marked `accepts` (so
that the marks can't be wrong either way), accept all good documents, and all groups
and fleets that muster writes. Other readers must get the same values from the YAML that muster writes.

Usage: schema_test.py SCHEMAS CORPUS SAMPLES   (SAMPLES: the program config_samples)
"""

import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import yaml


def read_cases(folder):
    """(name, mark, text) of each case; the format is told in case_file.hpp."""
    for file in sorted(folder.glob("*.cases")):
        for block in re.split(r"^=== ", file.read_text(), flags=re.M)[1:]:
            head, _, text = block.partition("\n~~~\n")
            name, *fields = head.split("\n")
            marks = [field.removeprefix("schema: ") for field in fields if field.startswith("schema: ")]
            yield f"{file.stem}: {name}", marks[0], text


def load(text):
    if text.lstrip().startswith(("{", "[")):
        return [json.loads(text)]
    return [document for document in yaml.safe_load_all(text) if document is not None]


def read_schema(file):
    schema = json.loads(file.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def main():
    schemas, corpus, samples = map(pathlib.Path, sys.argv[1:4])
    of_group, of_fleet = (read_schema(schemas / f"{kind}.schema.json") for kind in ("group", "fleet"))

    def schema_of(document):
        """As an editor picks one: by the kind that is written there."""
        is_fleet = isinstance(document, dict) and document.get("kind") == "Fleet"
        return of_fleet if is_fleet else of_group

    wrong = []
    counts = {"refuses": 0, "accepts": 0, "never sees it": 0, "good": 0, "written": 0}

    for name, mark, text in read_cases(corpus / "bad"):
        counts[mark] += 1
        if mark == "never sees it":
            continue
        accepts = all(schema_of(document).is_valid(document) for document in load(text))
        if accepts != (mark == "accepts"):
            wrong.append(f"{name}: the schema {'accepts' if accepts else 'refuses'} it")

    for file in sorted((corpus / "good").iterdir()):
        counts["good"] += 1
        for document in load(file.read_text()):
            for error in schema_of(document).iter_errors(document):
                wrong.append(f"{file.name}: {error.json_path}: {error.message}")

    written = subprocess.run([samples], capture_output=True, check=True, timeout=60).stdout.decode()
    for line in written.splitlines():
        sample = json.loads(line)
        for form in ("changed", "full"):
            counts["written"] += 1
            for error in schema_of(sample[form]).iter_errors(sample[form]):
                wrong.append(f"written: {error.json_path}: {error.message}")
        if yaml.safe_load(sample["yaml"]) != sample["changed"]:
            wrong.append(f"YAML means something else than JSON: {sample['yaml']}")

    print(", ".join(f"{mark}: {count}" for mark, count in counts.items()))
    for line in wrong[:50]:
        print("FAILED:", line)
    # A test that reads nothing must not pass.
    if wrong or counts["refuses"] < 100 or counts["good"] < 8 or counts["written"] < 100:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
