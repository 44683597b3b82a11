#!/usr/bin/env python3
"""Runs the tests of a build and says in one line what came of them: N passed, N failed, N skipped.

  summary.py BUILD [MESON-TEST-ARGUMENT...]

Each line of TAP is a test. What failed is shown with what it printed; what was skipped, with its reason.
With DORMOUSE_STRICT_SKIPS=1 a skip that coverage/skips.txt does not allow is a failure.
"""
import json, os, re, subprocess, sys

here = os.path.dirname(os.path.abspath(__file__))
LINE = re.compile(r'^(not )?ok\b\s*(\d*)\s*-?\s*(.*)$')
SKIP = re.compile(r'#\s*SKIP\S*\s*(.*)$', re.I)


def processes():
    """One more than there are cores: many tests wait for a clock or a socket most of the time."""
    return len(os.sched_getaffinity(0)) + 1


def allowed_skips():
    """Lines of `test: words of the reason`; '#' starts a comment."""
    with open(os.path.join(here, 'skips.txt')) as f:
        for line in f:
            line = line.split('#', 1)[0].strip()
            if line:
                name, _, reason = line.partition(':')
                yield name.strip(), reason.strip()


def judge(test):
    """The outcomes of one program: lists of passed names, (failed name, why), (skipped name, reason)."""
    passed, failed, skipped, notes = [], [], [], []
    name, planned = test['name'].split(' / ')[-1], None
    for line in (test.get('stdout') or '').splitlines():
        plan = re.match(r'1\.\.(\d+)(.*)', line)
        if plan:
            planned = int(plan.group(1))
            if planned == 0:
                skip = SKIP.search(plan.group(2))
                skipped.append((name, skip.group(1) if skip else 'no reason given'))
            continue
        if line.startswith('#'):
            notes.append(line)
            continue
        m = LINE.match(line)
        if not m:
            continue
        what = '%s: %s' % (name, m.group(3))
        skip = SKIP.search(m.group(3))
        if skip:
            skipped.append(('%s: %s' % (name, m.group(3).split('#')[0].strip()), skip.group(1)))
        elif m.group(1):
            failed.append((what, '\n'.join(notes)))
        else:
            passed.append(what)
        notes = []
    seen = len(passed) + len(failed) + len(skipped)
    tap = planned is not None or seen
    if tap and planned and seen != planned:
        failed.append((name, 'planned %d tests, ran %d\n%s' % (planned, seen, test.get('stderr') or '')))
    if test['result'] not in ('OK', 'SKIP', 'EXPECTEDFAIL') and not failed:
        failed.append((name, '%s\n%s\n%s' % (test['result'], test.get('stdout') or '', test.get('stderr') or '')))
    if not tap and test['result'] == 'OK':
        passed.append(name)
    if not tap and test['result'] == 'SKIP':
        skipped.append((name, 'no reason given'))
    return passed, failed, skipped


def main():
    build = sys.argv[1]
    log = os.path.join(build, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.remove(log)
    command = ['meson', 'test', '-C', build, '--no-rebuild', '--num-processes', str(processes()), *sys.argv[2:]]
    run = subprocess.run(command, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, universal_newlines=True)
    if not os.path.exists(log):
        sys.exit(run.stdout + '\nmeson ran no test')
    passed, failed, skipped = [], [], []
    with open(log) as f:
        for line in f:
            p, q, s = judge(json.loads(line))
            passed += p
            failed += q
            skipped += s
    if os.environ.get('DORMOUSE_STRICT_SKIPS'):
        allowed = list(allowed_skips())
        for name, reason in list(skipped):
            if not any(name.startswith(n) and r in reason for n, r in allowed):
                failed.append((name, 'skipped (%s), and coverage/skips.txt does not allow it' % reason))
                skipped.remove((name, reason))
    for name, why in failed:
        print('FAILED  %s' % name)
        for line in why.strip().splitlines()[-40:]:
            print('        ' + line[:300])
    for name, reason in skipped:
        print('skipped %s: %s' % (name, reason))
    print('%d passed, %d failed, %d skipped' % (len(passed), len(failed), len(skipped)))
    sys.exit(1 if failed or not passed else 0)


if __name__ == '__main__':
    main()
