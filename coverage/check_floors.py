#!/usr/bin/env python3
"""Reads every include of the house: a floor may include only itself and what lies below it.

    check_floors.py ROOT     the sources below ROOT
    check_floors.py --self   plants one of each breach and expects it to be found
"""
import os, re, sys, tempfile

# Who may include whom. fakeapi, controller and drivers are neighbours: none includes another.
MAY = {
    'world': {'world'},
    'net': {'world', 'net'},
    'kube': {'world', 'net', 'kube'},
    'fakeapi': {'world', 'net', 'kube', 'fakeapi'},
    'controller': {'world', 'net', 'kube', 'controller'},
    'drivers': {'world', 'net', 'kube', 'drivers'},
    'conformance': {'world', 'net', 'kube', 'fakeapi', 'controller', 'drivers', 'conformance'},
}
# Data and gates: no C of another floor is includable from there, and nobody includes them.
DATA = ('fixtures', 'coverage')
# No Kubernetes word below kube: these floors know bytes, not objects.
FOREIGN = re.compile(r'\b(kubernetes|apiserver|kubectl|resourceVersion|namespace[sd]?)\b', re.I)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
SOURCE = ('.c', '.h', '.cc', '.S')


def sources(root, floor):
    for folder, folders, files in os.walk(os.path.join(root, floor)):
        folders.sort()
        for name in sorted(files):
            if name.endswith(SOURCE):
                yield os.path.relpath(os.path.join(folder, name), root)


def breach(floor, path, included):
    """Why `path` may not include `included`; None where it may."""
    top = included.split('/')[0] if '/' in included else None
    if top in DATA:
        return '%s is data' % top
    if '..' in included.split('/'):
        return 'includes are from the root'
    if top in MAY and top not in MAY[floor]:
        return '%s does not stand on %s' % (floor, top)
    # What is private stays in its folder; the tests of a folder stand in it.
    if re.search(r'_priv\.h$', included) and top and os.path.dirname(included) != os.path.dirname(path):
        inside = os.path.dirname(path).startswith(os.path.dirname(included) + '/')
        if not inside:
            return 'it is private to %s' % os.path.dirname(included)
    return None


def check(root):
    bad, read = [], {}
    for floor in MAY:
        for path in sources(root, floor):
            with open(os.path.join(root, path), encoding='utf-8') as f:
                for number, line in enumerate(f, 1):
                    read[floor] = read.get(floor, 0) + 1
                    m = INCLUDE.match(line)
                    why = breach(floor, path, m.group(1)) if m else None
                    if why:
                        bad.append('%s:%d: may not include %s: %s' % (path, number, m.group(1), why))
                    if floor in ('world', 'net') and FOREIGN.search(line):
                        bad.append('%s:%d: a Kubernetes word in %s: %s' % (path, number, floor, line.strip()))
    return bad, read


PLANTED = [
    ('world on kube', 'world/x.c', '#include "kube/gvk.h"', 'world does not stand on kube'),
    ('net on kube', 'net/http/x.c', '#include "kube/gvk.h"', 'net does not stand on kube'),
    ('kube on fakeapi', 'kube/x.h', '#  include "fakeapi/store/store.h"', 'kube does not stand on fakeapi'),
    ('a neighbour', 'controller/x.c', '#include "drivers/codec.h"', 'controller does not stand on drivers'),
    ('the other neighbour', 'fakeapi/x.c', '#include "controller/y.h"', 'fakeapi does not stand on controller'),
    ('data', 'kube/x.c', '#include "fixtures/y.h"', 'fixtures is data'),
    ('a way around', 'kube/x.c', '#include "../fakeapi/y.h"', 'includes are from the root'),
    ('what is private', 'kube/x.c', '#include "world/world_priv.h"', 'private to world'),
    ('a Kubernetes word', 'world/x.c', '/* the kubectl of it */', 'a Kubernetes word in world'),
]
CLEAN = [('kube/x.c', '#include "kube/x.h"\n#include "net/http.h"\n#include <stdio.h>\n#include "local.h"\n'),
         ('conformance/x.c', '#include "drivers/y.h"\n#include "fakeapi/z.h"\n'),
         ('world/x.c', '#include "world/world_priv.h"\n')]


def planted(folder, path, text):
    full = os.path.join(folder, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'w') as f:
        f.write(text)
    found = check(folder)[0]
    os.remove(full)
    return found


def check_self():
    failed = 0
    print('1..%d' % (len(PLANTED) + len(CLEAN)))
    with tempfile.TemporaryDirectory() as folder:
        for i, (name, path, line, want) in enumerate(PLANTED, 1):
            found = planted(folder, path, 'int x;\n' + line + '\n')
            ok = len(found) == 1 and want in found[0] and ':2:' in found[0]
            failed += not ok
            print('%sok %d - finds %s%s' % ('' if ok else 'not ', i, name, '' if ok else ' # %s' % found))
        for i, (path, text) in enumerate(CLEAN, len(PLANTED) + 1):
            found = planted(folder, path, text)
            failed += bool(found)
            print('%sok %d - takes a clean %s%s' % ('not ' if found else '', i, path, ' # %s' % found if found else ''))
    return 1 if failed else 0


def main():
    if sys.argv[1] == '--self':
        return check_self()
    bad, read = check(sys.argv[1])
    bad += ['no source of %s was found' % f for f in MAY if f not in read]
    print('1..1')
    for line in bad:
        print('# ' + line)
    print('%sok 1 - the floors hold in %d lines' % ('not ' if bad else '', sum(read.values())))
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
