# Writes operator-schemas.ts from the package onnx: what the standard says of the operators that the importer
# knows, since opset 7.
#   python src/onnx/operator-schemas.py > src/onnx/operator-schemas.ts
import re
from pathlib import Path

import onnx
from onnx import defs

OLDEST = 7
registry = (Path(__file__).parent / "operators/index.ts").read_text()
table = registry[registry.index("const operators = {") : registry.index("} as const")]
names = sorted(set(re.findall(r"\b[A-Z]\w+\b(?=[,\s}])", re.sub(r"//.*|/\*.*?\*/", "", table)))) + ["ZipMap"]
codes = {"FLOAT": "float", "INT": "int", "STRING": "string", "TENSOR": "tensor", "FLOATS": "floats",
         "INTS": "ints", "STRINGS": "strings", "SPARSE_TENSOR": "sparse"}


def extent(least, most):
    most = "*" if most > 1000 else most
    return f"{least}" if least == most else f"{least}-{most}"


def row(schema):
    attributes = [
        f"{name}{'!' if attribute.required else ''}:{codes[str(attribute.type).split('.')[-1]]}"
        for name, attribute in sorted(schema.attributes.items())
    ]
    counts = f"{extent(schema.min_input, schema.max_input)} > {extent(schema.min_output, schema.max_output)}"
    return " ".join([counts, *attributes])


versions = {}
for schema in defs.get_all_schemas_with_history():
    if schema.name in names and schema.domain == ("ai.onnx.ml" if schema.name == "ZipMap" else ""):
        versions.setdefault(schema.name, {})[schema.since_version] = row(schema)
print(f"""// What the standard says of each operator that the importer knows: from which version of the operator set on,
// how many inputs > how many outputs, and the attributes with their types ('!': required; '*': any number).
// Written by operator-schemas.py from onnx {onnx.__version__}; do not edit.

export const operatorSchemas: Readonly<Record<string, Readonly<Record<number, string>>>> = {{""")
for name in names:
    rows, before = {}, None
    for since, text in sorted(versions[name].items()):
        if text != before:
            rows[since] = text
        before = text
    known = [since for since in rows if since <= OLDEST or name == "ZipMap"]
    kept = {since: text for since, text in rows.items() if not known or since >= max(known)}
    label = "'ai.onnx.ml:ZipMap'" if name == "ZipMap" else name
    print(f"  {label}: {{ " + ", ".join(f"{since}: '{text}'" for since, text in kept.items()) + " },")
print("};")
