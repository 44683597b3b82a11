#!/usr/bin/env python3
"""Makes the tables of printer columns: columns.tsv to C.   columns.py IN OUT"""
import json, sys


def text(s):
    return json.dumps(s)


def main():
    kinds = {}
    with open(sys.argv[1], encoding='utf-8') as f:
        for line in f:
            if line.startswith('#'):
                continue
            key, name, kind, form, priority, description = line.rstrip('\n').split('\t')
            kinds.setdefault(key, []).append((name, kind, form, json.loads(description), int(priority)))
    with open(sys.argv[2], 'w', encoding='utf-8') as out:
        out.write('/* Made by columns.py from columns.tsv. */\n#include "fakeapi/apiserver/builtin/cells.h"\n\n')
        for i, key in enumerate(sorted(kinds)):
            out.write('static const struct column columns_%d[] = {   /* %s */\n' % (i, key))
            for name, kind, form, description, priority in kinds[key]:
                out.write('    { %s, %s, %s, %s, %d },\n' % (text(name), text(kind), text(form), text(description),
                                                           priority))
            out.write('};\n')
        out.write('\nconst struct column_set column_sets[] = {\n')
        for i, key in enumerate(sorted(kinds)):
            group, plural = key.split('/')
            out.write('    { %s, %s, columns_%d, %d },\n' % (text(group), text(plural), i, len(kinds[key])))
        out.write('};\nconst size_t n_column_sets = %d;\n' % len(kinds))


if __name__ == '__main__':
    main()
