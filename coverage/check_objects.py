#!/usr/bin/env python3
"""Reads our object files: no mutable globals, no name defined twice, and nothing but two files of world asks the
machine for time, chance, the environment or a thread.

    check_objects.py BUILD      every object of the build directory
    check_objects.py --self     plants one of each and expects it to be found
"""
import os, re, subprocess, sys, tempfile

FORBIDDEN = {
    'the time': 'time gettimeofday clock_gettime clock_getres clock timespec_get times ftime localtime '
                'localtime_r gmtime mktime timelocal strftime tzset timerfd_create alarm setitimer ualarm '
                'timer_create',
    'to wait': 'usleep nanosleep clock_nanosleep sleep poll ppoll select pselect epoll_wait epoll_pwait '
               'epoll_pwait2 pause sigwait sigtimedwait sched_yield',
    'chance': 'rand random srand srandom rand_r random_r drand48 erand48 lrand48 nrand48 mrand48 jrand48 '
              'srand48 arc4random arc4random_buf arc4random_uniform getrandom getentropy initstate mkstemp '
              'mkostemp mkdtemp mktemp tmpfile tmpnam tempnam uuid_generate',
    'the environment': 'getenv secure_getenv setenv putenv unsetenv environ __environ setlocale',
    'a thread': 'pthread_create thrd_create clone fork vfork system popen posix_spawn posix_spawnp execve '
                'execv execvp',
}
WHY = {name: why for why, names in FORBIDDEN.items() for name in names.split()}
FLOORS = ('world', 'net', 'kube', 'fakeapi', 'controller', 'drivers', 'conformance')
# Who may, and why.
ALLOWED = [
    (re.compile(r'^world/.*/loop\.c\.o$'), 'clock_gettime getrandom epoll_wait sched_yield', 'the one loop, the one clock'),
    (re.compile(r'^world/.*/process\.c\.o$'), 'fork execv poll mkdtemp getenv', 'children, their folders, and where users keep things'),
]
# What a generator or a compiler puts into .data, and why it is no state of ours.
GENERATED = [
    (re.compile(r'\.pb-c\.c\.o$'), re.compile(r'.*'), 'protobuf-c descriptors: written once by the linker'),
    (re.compile(r'.*'), re.compile(r'^(__|DW\.|\.L)'), 'put there by the compiler'),
]
# address, flags (seven characters), section, size, maybe visibility, name
SYMBOL = re.compile(r'^[0-9a-f]+ (.{7}) (\S+)\t[0-9a-f]+ +(?:\.(?:hidden|internal|protected) )?(\S+)$')
MUTABLE = re.compile(r'^(\.(data|bss|tdata|tbss|ldata|lbss)(?!\.rel\.ro)(\.|$)|\*COM\*$)')
NOT_OURS = re.compile(r'^(test|bench|fuzz)_')


def floor_of(build, path):
    """The floor an object belongs to: by its folder, or by its name where the top folder built it."""
    parts = os.path.relpath(path, build).split(os.sep)
    name = parts[-1] if parts[0] not in FLOORS else parts[0]
    return next((f for f in FLOORS if name == f or name.startswith(f + '_')), None)


def objects(build):
    for folder, folders, files in os.walk(build):
        folders[:] = sorted(f for f in folders if not f.startswith('meson-'))
        # Tests, benchmarks and fuzzers may do as they like.
        if re.search(r'/(test|bench|fuzz)[a-z0-9_]*\.p(/|$)', folder + '/'):
            continue
        for name in sorted(files):
            path = os.path.join(folder, name)
            source = re.sub(r'^(%s)_' % '|'.join(FLOORS), '', name)
            if name.endswith('.o') and floor_of(build, path) and not NOT_OURS.match(source):
                yield path


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout


def tables(paths):
    """The lines of each object's symbol table, by path: one objdump for all of them."""
    lines, at = {}, None
    for line in run('objdump', '-t', *paths).splitlines():
        m = re.match(r'^(.*\.o):     file format', line)
        if m:
            at = lines.setdefault(m.group(1), [])
        elif at is not None:
            at.append(line)
    return lines


def mutable(path, table):
    for line in table:
        m = SYMBOL.match(line)
        if not m or re.search('[dfF]', m.group(1)) or not MUTABLE.match(m.group(2)):
            continue
        if not any(f.search(path) and n.match(m.group(3)) for f, n, _ in GENERATED):
            yield m.group(3), m.group(2)


def defined(table):
    """Names that other objects may link to. A linker that finds two takes the first library's and says nothing."""
    for line in table:
        m = SYMBOL.match(line)
        if m and m.group(1)[0] == 'g' and m.group(2) not in ('*UND*', '*COM*') and m.group(3) != 'main':
            yield m.group(3)


def undefined(table):
    for line in table:
        m = SYMBOL.match(line)
        if m and m.group(2) == '*UND*':
            yield m.group(3).split('@')[0]


def allowed(short, name):
    return any(p.search(short) and name in names.split() for p, names, _ in ALLOWED)


def check(build):
    bad, seen, homes, paths = [], set(), {}, list(objects(build))
    symbols = tables(paths) if paths else {}
    for path in paths:
        short = os.path.relpath(path, build)
        floor = floor_of(build, path)
        seen.add(floor)
        for name, section in mutable(path, symbols[path]):
            bad.append('%s: %s is mutable state (%s)' % (short, name, section))
        for name in defined(symbols[path]):
            if homes.setdefault(name, short) != short and not GENERATED[0][0].search(path):
                bad.append('%s: defines %s, as %s does' % (short, name, homes[name]))
        for name in undefined(symbols[path]):
            # The same call under another name: __poll_chk, time64, __isoc99_...
            plain = re.sub(r'^__(.*?)(_chk)?$', r'\1', name)
            why = WHY.get(name) or WHY.get(plain) or WHY.get(re.sub('64$', '', plain))
            if why and not allowed(short, name):
                bad.append('%s: calls %s (%s), which it may not' % (short, name, why))
    return bad, seen


PLANTED = [
    ('a global', 'int counter;', 'counter is mutable state'),
    ('a static', 'static int n; int f(void); int f(void) { return n++; }', 'n is mutable state'),
    ('a local static', 'int f(void); int f(void) { static int seen = 3; return seen++; }', 'seen'),
    ('a hidden global', '__attribute__((visibility("hidden"))) int hidden_one = 1;', 'hidden_one'),
    ('thread state', '_Thread_local int mine;', 'mine is mutable state'),
    ('a table that is not const', 'int f(void); const char *names[] = { "a" };', 'names is mutable state'),
    ('the clock', '#include <time.h>\nlong f(void); long f(void) { return time(0); }', 'calls time'),
    ('the environment', '#include <stdlib.h>\nchar *f(void); char *f(void) { return getenv("A"); }', 'getenv'),
    ('a random source', '#include <stdlib.h>\nint f(void); int f(void) { return rand(); }', 'calls rand'),
    ('a sleep', '#include <unistd.h>\nvoid f(void); void f(void) { usleep(1); }', 'calls usleep'),
    ('a wait', '#include <poll.h>\nint f(void); int f(void) { return poll(0, 0, 5); }', 'calls poll'),
]
CLEAN = '''
#include <string.h>
static const char *const names[] = { "a", "b" };
const int table[] = { 1, 2 };
const char *f(int i, const char *s);
const char *f(int i, const char *s) { return strlen(s) > 3 ? names[i] : s; }
'''


TWINS = 'int f(void); int f(void) { return 1; }'


def compiled(cc, build, floor, source):
    folder = os.path.join(build, floor, 'lib%s.a.p' % floor)
    os.makedirs(folder, exist_ok=True)
    c = os.path.join(build, 'x.c')
    with open(c, 'w') as f:
        f.write(source)
    subprocess.run(cc + ['-O1', '-fPIC', '-c', c, '-o', os.path.join(folder, 'x.c.o')], check=True)


def planted(cc, folder, source):
    build = os.path.join(folder, 'build')
    compiled(cc, build, 'kube', source)
    return check(build)[0]


def check_self(cc):
    failed = 0
    print('1..%d' % (len(PLANTED) + 2))
    with tempfile.TemporaryDirectory() as folder:
        for i, (name, source, want) in enumerate(PLANTED, 1):
            found = planted(cc, folder, source)
            ok = len(found) == 1 and want in found[0]
            failed += not ok
            print('%sok %d - finds %s%s' % ('' if ok else 'not ', i, name, '' if ok else ' # %s' % found))
        found = planted(cc, folder, CLEAN)
        failed += bool(found)
        print('%sok %d - takes what is clean' % ('not ' if found else '', len(PLANTED) + 1))
        compiled(cc, os.path.join(folder, 'build'), 'net', TWINS)
        found = planted(cc, folder, TWINS)
        ok = len(found) == 1 and 'defines f, as' in found[0]
        failed += not ok
        print('%sok %d - finds a name that two define%s' % ('' if ok else 'not ', len(PLANTED) + 2,
                                                           '' if ok else ' # %s' % found))
    return 1 if failed else 0


def main():
    if sys.argv[1] == '--self':
        return check_self(sys.argv[2:] or ['cc'])
    bad, seen = check(sys.argv[1])
    missing = [f for f in FLOORS if f not in seen]
    print('1..1')
    for line in bad + ['no object of %s was found' % f for f in missing]:
        print('# ' + line)
    ok = not bad and not missing
    print('%sok 1 - our objects keep no state and ask only the world' % ('' if ok else 'not '))
    return 0 if ok else 1


if __name__ == '__main__':
    sys.exit(main())
