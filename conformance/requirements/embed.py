#!/usr/bin/env python3
"""Writes the requirement catalogue as a C table, sorted by id.

The YAML files are plain: a list of items, each with the four fields id, level, source and text, one to
a line. Anything else is an error here, so that the same files stay readable to any YAML parser.

usage: embed.py OUTPUT FILE...
"""
import re
import sys

FIELD = re.compile(r'^(?:- |  )(id|level|source|text): (?:"([^"\\]*)"|([A-Za-z0-9-]+))$')
LEVELS = ("MUST", "SHOULD", "MAY")


def load(path):
    items = []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if not line or line.startswith("#"):
            continue
        m = FIELD.match(line)
        if not m:
            sys.exit(f"{path}:{number}: not a requirement field: {line}")
        key, value = m.group(1), m.group(2) if m.group(2) is not None else m.group(3)
        if line.startswith("- "):
            items.append({"at": f"{path}:{number}"})
        if not items or key in items[-1]:
            sys.exit(f"{path}:{number}: {key} is out of place")
        items[-1][key] = value
    for item in items:
        missing = [k for k in ("id", "level", "source", "text") if k not in item]
        if missing:
            sys.exit(f"{item['at']}: lacks {', '.join(missing)}")
        if item["level"] not in LEVELS:
            sys.exit(f"{item['at']}: level {item['level']} is none of {', '.join(LEVELS)}")
    return items


def main():
    output, files = sys.argv[1], sys.argv[2:]
    items = sorted((i for f in files for i in load(f)), key=lambda i: i["id"])
    for a, b in zip(items, items[1:]):
        if a["id"] == b["id"]:
            sys.exit(f"{b['at']}: {b['id']} stands already at {a['at']}")
    with open(output, "w", encoding="utf-8") as out:
        out.write('#include "conformance/requirements/requirement.h"\n\n')
        out.write("const struct requirement requirement_table[] = {\n")
        for i in items:
            out.write('    { "%s", REQUIREMENT_%s, "%s",\n      "%s" },\n'
                      % (i["id"], i["level"], i["source"], i["text"]))
        out.write("};\n\nconst size_t requirement_count = sizeof(requirement_table)"
                  " / sizeof(requirement_table[0]);\n")


main()
