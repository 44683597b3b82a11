#!/usr/bin/env python3
"""Reads every include of the house: a floor may include only itself and what lies below it."""
import os, re, sys

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
# No Kubernetes word below kube: these floors know bytes, not objects.
FOREIGN = re.compile(r'\b(kubernetes|apiserver|kubectl|resourceVersion|namespace[sd]?)\b', re.I)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def sources(root, floor):
    for folder, folders, files in os.walk(os.path.join(root, floor)):
        folders.sort()
        for name in sorted(files):
            if name.endswith(('.c', '.h', '.cc', '.S')):
                yield os.path.relpath(os.path.join(folder, name), root)


def main():
    root = sys.argv[1]
    bad, read = [], 0
    for floor, may in MAY.items():
        for path in sources(root, floor):
            with open(os.path.join(root, path), encoding='utf-8') as f:
                for number, line in enumerate(f, 1):
                    read += 1
                    m = INCLUDE.match(line)
                    other = m.group(1).split('/')[0] if m and '/' in m.group(1) else None
                    if other in MAY and other not in may:
                        bad.append('%s:%d: %s may not include %s' % (path, number, floor, m.group(1)))
                    if floor in ('world', 'net') and FOREIGN.search(line):
                        bad.append('%s:%d: a Kubernetes word in %s: %s' % (path, number, floor, line.strip()))
    print('1..1')
    for line in bad:
        print('# ' + line)
    print('%sok 1 - the floors hold in %d lines' % ('not ' if bad or not read else '', read))
    return 1 if bad or not read else 0


if __name__ == '__main__':
    sys.exit(main())
