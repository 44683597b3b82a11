#!/usr/bin/env python3
"""Writes a text file as a C string: embed_text.py INPUT OUTPUT NAME HEADER"""
import sys

source, output, name, header = sys.argv[1:]
with open(source, encoding="utf-8") as f, open(output, "w", encoding="utf-8") as out:
    out.write(f'#include "{header}"\n\nconst char {name}[] =\n')
    for line in f:
        line = line.rstrip("\n").replace("\\", "\\\\").replace('"', '\\"')
        out.write(f'    "{line}\\n"\n')
    out.write("    ;\n")
