#!/usr/bin/env python3
"""Which requirements of an API server a recording or a test names, and which nobody does.

  requirements.py ROOT            the gate, as TAP: no id that does not exist, no first-tier requirement without proof
  requirements.py ROOT --table    counts by section, and what nobody names, for fakeapi/LEDGER.md

The list is apimachinery.tsv. A recording names ids in its `requirements`; a test names them in its comments or, with
underscores, in its name (a_body_beyond_the_limit__K_001).
"""
import json, os, re, subprocess, sys

here = os.path.dirname(os.path.abspath(__file__))
SECTIONS = {'A': 'Discovery, bootstrapping, transport', 'B': 'Objects, verbs, deletion', 'C': 'Revisions, lists, watches',
            'D': 'Selectors', 'E': 'Patches, server-side apply', 'F': 'Custom resources', 'G': 'Built-in kinds',
            'H': 'Cluster loops', 'I': 'Webhooks and policies', 'J': 'Errors', 'K': 'Limits, encodings',
            'M': 'Golden examples'}
GATED = 'ABCDEFGIJK'                   # whose first tier must be proven
TEST = re.compile(r'(^|/)(test_[^/]*|fuzz_[^/]*|[^/]*oracle[^/]*|model\.c|history\.c)\.?(c|py|h)?$|^fixtures/(clients|scenarios)/')
ID = re.compile(r'(?<![A-Za-z0-9-])([A-M])-(\d{3})(?: to (?:\1-)?(\d{3}))?(?![0-9])')
IN_NAME = re.compile(r'__((?:[A-M]_\d{3}_?)+)')


def read_list():
    with open(os.path.join(here, 'apimachinery.tsv')) as f:
        rows = [line.rstrip('\n').split('\t') for line in f if not line.startswith('#')]
    return {name: (tier, text) for name, tier, text in rows}


def ids_in(text, wanted):
    """Those of a range are meant as far as they exist; one that is named alone must."""
    for section, first, last in ID.findall(text):
        for n in range(int(first), int(last or first) + 1):
            name = '%s-%03d' % (section, n)
            if not last or name in wanted:
                yield name
    for names in IN_NAME.findall(text):
        for name in re.findall(r'[A-M]_\d{3}', names):
            yield name.replace('_', '-')


def recorded(root):
    folder = os.path.join(root, 'fixtures/recordings')
    for name in sorted(n for n in os.listdir(folder) if n.endswith('.jsonl')):
        with open(os.path.join(folder, name)) as f:
            for line in f:
                case = json.loads(line)
                for r in case.get('requirements', []):
                    yield r, case['id']


def tested(root, wanted):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith(('.', 'build', 'node_modules')))
        for name in sorted(files):
            path = os.path.relpath(os.path.join(folder, name), root)
            if TEST.search(path):
                with open(os.path.join(folder, name), errors='replace') as f:
                    for r in ids_in(f.read(), wanted):
                        yield r, path


def proofs(root, wanted):
    where = {}
    for r, by in list(recorded(root)) + list(tested(root, wanted)):
        where.setdefault(r, by)
    return where


def gate(wanted, proven):
    unknown = sorted(r for r in proven if r not in wanted)
    bare = [r for r, (tier, _) in wanted.items() if tier == 'T1' and r[0] in GATED and r not in proven]
    print('1..2')
    for r in unknown:
        print('# %s is named by %s and does not exist' % (r, proven[r]))
    print('%sok 1 - every requirement that is named exists' % ('not ' if unknown else ''))
    for r in bare:
        print('# %s has no proof: %s' % (r, wanted[r][1]))
    print('%sok 2 - every first-tier requirement is named by a recording or a test' % ('not ' if bare else ''))
    return 1 if unknown or bare else 0


def table(wanted, proven):
    print('| section | first tier | second tier | third tier |\n|---|---|---|---|')
    for s, title in SECTIONS.items():
        cells = []
        for tier in ('T1', 'T2', 'T3'):
            of = [r for r, (t, _) in wanted.items() if r[0] == s and t == tier]
            cells.append('%d of %d' % (sum(r in proven for r in of), len(of)) if of else '-')
        print('| %s %s | %s |' % (s, title, ' | '.join(cells)))
    print('\nNamed by nobody, first and second tier:\n')
    for r, (tier, text) in wanted.items():
        if r[0] in SECTIONS and tier != 'T3' and r not in proven:
            print('- %s (%s): %s' % (r, tier, text))
    return 0


def main():
    wanted = read_list()
    proven = proofs(sys.argv[1], wanted)
    return table(wanted, proven) if '--table' in sys.argv else gate(wanted, proven)


if __name__ == '__main__':
    sys.exit(main())
