#!/usr/bin/env python3
"""Writes scenario files as a C table, so that `dormouse certify` finds them wherever it is started.

usage: embed.py OUTPUT FILE...
"""
import os
import sys

output, files = sys.argv[1], sorted(sys.argv[2:], key=os.path.basename)
with open(output, "w", encoding="utf-8") as out:
    out.write('#include "conformance/scenario/embedded.h"\n\nconst struct embedded_scenario embedded_scenarios[] = {\n')
    for path in files:
        out.write('    { "fixtures/scenarios/%s",\n' % os.path.basename(path))
        for line in open(path, encoding="utf-8"):
            out.write('      "%s\\n"\n' % line.rstrip("\n").replace("\\", "\\\\").replace('"', '\\"'))
        out.write("    },\n")
    out.write("    { 0 },\n};\n")
