#!/usr/bin/env python3
"""Reads our object files: no mutable globals, and nothing but world asks the machine for time, chance,
the environment or a thread."""
import os, re, subprocess, sys

FORBIDDEN = set('''time gettimeofday clock_gettime clock localtime gmtime strftime rand random srand srandom
rand_r drand48 arc4random getrandom getentropy getenv secure_getenv usleep nanosleep sleep pthread_create
fork system popen setlocale'''.split())
FLOORS = ('world', 'net', 'kube', 'fakeapi', 'controller', 'drivers', 'conformance')
# What a generator or a compiler puts into .data, and why it is no state of ours.
GENERATED = [
    (re.compile(r'\.pb-c\.c\.o$'), re.compile(r'.*'), 'protobuf-c descriptors: written once by the linker'),
    (re.compile(r'.*'), re.compile(r'^(__|DW\.|\.L)'), 'put there by the compiler'),
]


def objects(build):
    for floor in FLOORS:
        for folder, folders, files in os.walk(os.path.join(build, floor)):
            folders.sort()
            # Tests, benchmarks and fuzzers may do as they like.
            if re.search(r'/(test|bench|fuzz)_?[a-z0-9_]*\.p$', folder):
                continue
            for name in sorted(files):
                if name.endswith('.o') and not re.match(r'(test|bench|fuzz)_', name):
                    yield floor, os.path.join(folder, name)


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout


def mutable(path):
    for line in run('objdump', '-t', path).splitlines():
        parts = line.split()
        # address flags... section size name
        if len(parts) < 4 or ' O ' not in line:
            continue
        section, name = parts[-3], parts[-1]
        if re.match(r'\.(data|bss|tdata|tbss)(\.(?!rel\.ro)|$)', section) or section == '*COM*':
            if not any(f.search(path) and n.match(name) for f, n, _ in GENERATED):
                yield name, section


def main():
    build = sys.argv[1]
    bad, seen = [], 0
    for floor, path in objects(build):
        seen += 1
        short = os.path.relpath(path, build)
        for name, section in mutable(path):
            bad.append('%s: %s is mutable state (%s)' % (short, name, section))
        if floor == 'world':
            continue
        for line in run('nm', '-u', path).splitlines():
            name = line.split()[-1].split('@')[0]
            if name in FORBIDDEN:
                bad.append('%s: calls %s, which only world may' % (short, name))
    print('1..1')
    for line in bad:
        print('# ' + line)
    print('%sok 1 - %d objects keep no state and ask only the world' % ('not ' if bad or not seen else '', seen))
    return 1 if bad or not seen else 0


if __name__ == '__main__':
    sys.exit(main())
