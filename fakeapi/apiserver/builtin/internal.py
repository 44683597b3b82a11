#!/usr/bin/env python3
"""internal.py internal.tsv OUT.c — the types of internal.tsv as static tables (builtin/internal.h)."""
import sys

SCALARS = {'string': 'INTERNAL_STRING', 'int': 'INTERNAL_INT', 'bool': 'INTERNAL_BOOL', 'quantity': 'INTERNAL_QUANTITY',
           'time': 'INTERNAL_TIME', 'bytes': 'INTERNAL_POINTER', 'json': 'INTERNAL_JSON'}


def read(path):
    structs = {}
    with open(path) as f:
        for line in f:
            line = line.rstrip('\n')
            if line.startswith('#') or not line:
                continue
            if not line.startswith('\t'):
                fields = structs.setdefault(line, [])
                continue
            fields.append(line[1:].split('\t'))
    return structs


def symbol(name):
    return 'type_' + name.replace('.', '_')


def field(name, json, go):
    """One row of C: what absence looks like is said by the outermost part of the type."""
    bare = go.lstrip('*[]{}')
    shape = ('INTERNAL_INLINE' if name == '(inline)' else 'INTERNAL_METADATA' if name == '(metadata)' else
             'INTERNAL_POINTER' if go[0] in '*[{' else SCALARS.get(go, 'INTERNAL_STRUCT'))
    leaf = '&' + symbol(bare) if bare not in SCALARS else 'NULL'
    items = {'[]': 'INTERNAL_LIST', '{}': 'INTERNAL_MAP'}.get(go.lstrip('*')[:2], 'INTERNAL_ONE')
    return '    { "%s", "%s", %s, %s, %s },' % (name, json, shape, items, leaf)


def main():
    structs = read(sys.argv[1])
    with open(sys.argv[2], 'w') as out:
        out.write('#include "fakeapi/apiserver/builtin/internal.h"\n\n')
        for name in structs:
            out.write('static const struct internal_type %s;\n' % symbol(name))
        for name, fields in structs.items():
            rows = [field(*f) for f in fields]
            out.write('static const struct internal_field %s_fields[] = {\n%s\n};\n' % (symbol(name), '\n'.join(rows)))
            out.write('static const struct internal_type %s = { "%s", %s_fields, %d };\n'
                      % (symbol(name), name, symbol(name), len(rows)))
        out.write('const struct internal_type *const internal_types[] = {\n')
        for name in structs:
            out.write('    &%s,\n' % symbol(name))
        out.write('    NULL\n};\n')


main()
