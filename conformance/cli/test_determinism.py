#!/usr/bin/env python3
"""Same seed, same bytes: the first world of a process and the last of WORLDS, and (with OTHER) another build.

  test_determinism.py DORMOUSE SOURCE WORLDS [OTHER-DORMOUSE]

`make check` looks at a hundred worlds and at some scenarios on both stores, `.ci/run` at a thousand, at all scenarios
on both stores, and at a build without optimisation.
"""
import os, re, subprocess, sys, tempfile

dormouse, source = os.path.abspath(sys.argv[1]), sys.argv[2]
worlds = int(sys.argv[3])
other = os.path.abspath(sys.argv[4]) if len(sys.argv) > 4 else None
n = failed = 0


def ok(good, what, *why):
    global n, failed
    n += 1
    failed += not good
    for line in () if good else why:
        print('# %s' % (line,))
    print('%sok %d - %s' % ('' if good else 'not ', n, what), flush=True)


def run(program, folder, *paths, store='memory'):
    trace, report = os.path.join(folder, 't'), os.path.join(folder, 'j')
    done = subprocess.run([program, 'run', '--seed', '7', '--trace', trace, '--json', report, '--quiet',
                           '--store', store, *paths],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if done.returncode:
        print('# ' + done.stdout[-2000:].replace('\n', '\n# '))
    with open(trace, 'rb') as t, open(report, 'rb') as j:
        return t.read(), j.read()


def many_worlds():
    """One small scenario under many names: what follows each name's heading is the same each time."""
    with open(os.path.join(source, 'fixtures/scenarios/born-suspended.yaml')) as f:
        text = f.read()
    with tempfile.TemporaryDirectory() as folder:
        for i in range(worlds):
            with open(os.path.join(folder, 'w%04d.yaml' % i), 'w') as f:
                f.write(text.replace('born-suspended', 'w%04d' % i))
        trace = run(dormouse, folder, folder)[0].decode()
    stories = re.split(r'^== w\d{4}\n', trace, flags=re.M)[1:]
    ok(len(stories) == worlds, '%d worlds in one process' % worlds, len(stories))
    ok(len(set(stories)) == 1 and len(stories[0]) > 500, 'the last tells what the first told',
       *sorted(set(stories))[:2])


def two_builds():
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        scenarios = os.path.join(source, 'fixtures/scenarios')
        first, second = run(dormouse, a, scenarios), run(other, b, scenarios)
    ok(first[0] == second[0] and len(first[0]) > 100000, 'another build leaves the same trace')
    ok(first[1] == second[1], 'and the same report')


def two_stores(every):
    scenarios = os.path.join(source, 'fixtures/scenarios')
    paths = [os.path.join(scenarios, name) for name in sorted(os.listdir(scenarios))[::every]]
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        first, second = run(dormouse, a, *paths), run(dormouse, b, *paths, store='sqlite')
    ok(first[0] == second[0] and len(first[0]) > 10000, 'a store on a file leaves the same trace')
    ok(first[1] == second[1], 'and the same report')


many_worlds()
two_stores(1 if other else 20)
if other:
    two_builds()
print('1..%d' % n)
sys.exit(1 if failed else 0)
