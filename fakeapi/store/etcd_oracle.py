#!/usr/bin/env python3
"""The same random operations on our store and on a real etcd: every answer must be the same.

usage: etcd_oracle.py STORE_SCRIPT [SEED [OPERATIONS]]     Prints TAP; skipped where etcd is not installed.
Standard library only: etcd is spoken to through its JSON gateway.

Not compared, because etcd itself does not keep it: events at exactly the compacted revision, and the value
before an event where that lies behind the compaction.
"""
import base64
import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

KEYS = ['/a', '/a/', '/a/b', '/a/b/c', '/a/c', '/a0', '/b', '/b/x', '/b/y', '/z', '0', '/a/\u00e9']
PREFIXES = ['-', '/', '/a', '/a/', '/a/b', '/b/', '/b/x', '/nothing/']


def b64(data):
    return base64.b64encode(data).decode()


def text(value):
    return base64.b64decode(value or '').decode()


def range_of(prefix):
    """The key and range_end that stand for a prefix."""
    start = b'' if prefix == '-' else prefix.encode()
    if not start:
        return b'\0', b'\0'
    return start, start[:-1] + bytes([start[-1] + 1])


class Difference(Exception):
    pass


class Etcd:
    def __init__(self, folder):
        ports = []
        for _ in range(2):
            with socket.socket() as s:
                s.bind(('127.0.0.1', 0))
                ports.append(s.getsockname()[1])
        client, peer = ('http://127.0.0.1:%d' % p for p in ports)
        self.port = ports[0]
        self.log = open(os.path.join(folder, 'log'), 'wb')
        self.p = subprocess.Popen(
            ['etcd', '--data-dir', os.path.join(folder, 'data'), '--listen-client-urls', client,
             '--advertise-client-urls', client, '--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer,
             '--initial-cluster', 'default=' + peer], stdout=self.log, stderr=self.log)
        self.c = None
        end = time.monotonic() + 10
        while True:
            try:
                self.c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=5)
                self.revision = int(self.call('/v3/kv/range', {'key': b64(b'x')})['header']['revision'])
                return
            except (OSError, KeyError, ValueError, http.client.HTTPException):
                if time.monotonic() > end or self.p.poll() is not None:
                    raise RuntimeError('etcd does not answer')
                time.sleep(0.02)

    def stop(self):
        self.p.terminate()
        self.p.wait()
        self.log.close()

    def call(self, path, body):
        self.c.request('POST', path, json.dumps(body))
        return json.loads(self.c.getresponse().read())

    # ---- one method per operation; each gives the line that store_script prints ----

    def record(self, kv):
        return '%s %s %s %s %s' % (text(kv['key']), text(kv['value']), kv['create_revision'], kv['mod_revision'],
                                   kv['version'])

    def refusal(self, reply):
        for word, part in (('compacted', 'has been compacted'), ('future', 'future revision')):
            if part in reply['error']:
                return word
        raise RuntimeError(reply['error'])

    def guarded(self, key, expect, success):
        """A transaction on the condition that the key's mod revision is `expect`."""
        compare = [] if expect == 'any' else [{'key': key, 'target': 'MOD', 'result': 'EQUAL', 'mod_revision': expect}]
        reply = self.call('/v3/kv/txn', {'compare': compare, 'success': success})
        self.revision = int(reply['header']['revision'])
        return reply

    def put(self, key, value, expect):
        k = b64(key.encode())
        reply = self.guarded(k, expect, [{'request_put': {'key': k, 'value': b64(value.encode())}},
                                         {'request_range': {'key': k}}])
        if not reply.get('succeeded'):
            return 'lost %d' % self.revision
        return self.record(reply['responses'][1]['response_range']['kvs'][0])

    def delete(self, key, expect):
        k = b64(key.encode())
        if expect == '0':              # a deletion of what must not be there: nothing to delete
            return 'lost %d' % self.revision
        reply = self.guarded(k, expect, [{'request_delete_range': {'key': k}}])
        done = reply.get('succeeded') and reply['responses'][0]['response_delete_range'].get('deleted')
        return '%s %d' % ('deleted' if done else 'lost', self.revision)

    def get(self, key, at):
        reply = self.call('/v3/kv/range', {'key': b64(key.encode()), 'revision': at})
        if 'error' in reply:
            return self.refusal(reply)
        return self.record(reply['kvs'][0]) if reply.get('kvs') else 'none'

    def range(self, prefix, after, at, limit):
        start, end = range_of(prefix)
        if after != '-':
            start = max(start, after.encode() + b'\0')
            if end != b'\0' and start >= end:
                # Nothing can be there, but the revision is still judged.
                start, end = b'\xff\xff', b'\xff\xff\xff'
        reply = self.call('/v3/kv/range', {'key': b64(start), 'range_end': b64(end), 'revision': at, 'limit': limit})
        if 'error' in reply:
            return self.refusal(reply)
        kvs = reply.get('kvs', [])
        return ''.join(self.record(kv) + ';' for kv in kvs) + str(int(reply.get('count', 0)) - len(kvs))

    def compact(self, revision):
        return 'refused' if 'error' in self.call('/v3/kv/compaction', {'revision': revision}) else 'ok'

    def replay(self, prefix, start):
        """Begins to watch; replayed() reads. etcd looks after such watches ten times a second only, so
        several are under way at once."""
        if int(start) > self.revision:
            return None
        key, end = range_of(prefix)
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=2)
        c.request('POST', '/v3/watch', json.dumps({'create_request': {
            'key': b64(key), 'range_end': b64(end), 'start_revision': str(int(start) + 1), 'prev_kv': True}}))
        return c

    def replayed(self, c, expected, compacted, revision):
        """As many events as `expected` has, or one that should not be there, or the refusal. `revision` is
        the store's when the watch began: later events are not this replay's."""
        if c is None:
            return 'future'
        r, out, want = c.getresponse(), [], expected.count(';')
        try:
            while True:
                result = json.loads(r.readline())['result']
                if result.get('canceled'):
                    return 'compacted'
                out += [self.event(e, compacted) for e in result.get('events', [])
                        if int(e['kv']['mod_revision']) <= revision]
                # The first line only says that the watch is there; a refusal comes in the second.
                if len(out) >= want and expected != 'compacted':
                    return ''.join(out)
        except socket.timeout:
            return ''.join(out) + ' (and no more came)'
        finally:
            c.close()

    def event(self, e, compacted):
        kv, deleted = e['kv'], e.get('type') == 'DELETE'
        out = '%s %s %s %s' % ('DELETE' if deleted else 'PUT', kv['mod_revision'], text(kv['key']),
                               '-' if deleted else text(kv['value']))
        if int(kv['mod_revision']) > compacted:
            out += ' ' + (text(e['prev_kv']['value']) if 'prev_kv' in e else '-')
        return out + ';'


class Ours:
    def __init__(self, program):
        self.p = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  encoding='utf-8')

    def call(self, *words):
        self.p.stdin.write(' '.join(words) + '\n')
        self.p.stdin.flush()
        line = self.p.stdout.readline()
        if not line.endswith('\n'):
            raise Difference('store_script ended at: %s, with status %d' % (' '.join(words), self.p.wait()))
        return line[:-1]

    def stop(self):
        self.p.stdin.close()
        return self.p.wait()


def some_operation(r, revision, compacted, mods):
    """One operation as words. `mods` knows the last mod revision of each key."""
    key = r.choice(KEYS)
    at = str(r.choice([0, r.randint(0, revision + 1)]))
    expect = r.choice(['any', str(mods.get(key, 0)), '0', str(r.randint(1, revision + 1))])
    kind = r.choices(['put', 'delete', 'get', 'range', 'compact', 'replay'], [40, 14, 18, 18, 2, 8])[0]
    if kind == 'put':
        return kind, key, 'v%d' % r.randint(0, 999), expect
    if kind == 'delete':
        return kind, key, expect
    if kind == 'get':
        return kind, key, at
    if kind == 'range':
        return kind, r.choice(PREFIXES), r.choice(['-', key]), at, str(r.randint(0, 4))
    if kind == 'compact':
        return kind, str(r.randint(1, revision + 1))
    start = r.randint(1, revision + 1)
    return kind, r.choice(PREFIXES), str(start + 2 if start + 1 == compacted else start)


class Comparison:
    """One run; raises Difference at the first answer that is not the same."""

    def __init__(self, program, seed, folder):
        self.random, self.seed = random.Random(seed), seed
        self.done, self.mods, self.compacted, self.watches = [], {}, 0, []
        self.counts, self.answers = {}, set()
        self.etcd, self.ours = Etcd(folder), Ours(program)

    def judge(self, words, got, want, at):
        if got != want:
            raise Difference('seed %d, operation %d: %s\n ours %s\n etcd %s\nafter\n %s' % (
                self.seed, at, ' '.join(words), got, want, '\n '.join(self.done[max(0, at - 40):at])))
        first = got.split(' ')[0]
        known = ('lost', 'deleted', 'none', 'compacted', 'future', 'refused', 'ok')
        self.counts[words[0]] = self.counts.get(words[0], 0) + 1
        self.answers.add(first if first in known else 'data')

    def collect_watches(self):
        for watch, words, got, revision, at in self.watches:
            self.judge(words, got, self.etcd.replayed(watch, got, self.compacted, revision), at)
        self.watches = []

    def step(self):
        words = some_operation(self.random, self.etcd.revision, self.compacted, self.mods)
        if words[0] == 'compact':
            self.collect_watches()     # what they are to read is about to go
        self.done.append(' '.join(words))
        got = self.ours.call(*words)
        want = getattr(self.etcd, words[0])(*words[1:])
        if words[0] == 'replay':
            self.watches.append((want, words, got, self.etcd.revision, len(self.done)))
            return
        self.judge(words, got, want, len(self.done))
        if words[0] == 'compact' and got == 'ok':
            self.compacted = int(words[1])
        if words[0] == 'put' and not got.startswith('lost'):
            self.mods[words[1]] = int(got.split(' ')[3])
        if words[0] == 'delete' and got.startswith('deleted'):
            self.mods.pop(words[1], None)

    def run(self, operations):
        for _ in range(operations):
            self.step()
        self.collect_watches()
        if self.ours.stop() != 0:
            raise Difference('store_script failed')

    def close(self):
        self.etcd.stop()
        if self.ours.p.poll() is None:
            self.ours.p.kill()
            self.ours.p.wait()


def compare(program, seed, operations):
    """What differs, or None; how often each operation ran, and which kinds of answers came up."""
    folder = tempfile.mkdtemp(dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None)
    try:
        c = Comparison(program, seed, folder)
        try:
            c.run(operations)
            return None, c.counts, c.answers
        except Difference as e:
            return str(e), c.counts, c.answers
        finally:
            c.close()
    finally:
        shutil.rmtree(folder)


def main():
    if not shutil.which('etcd'):
        print('1..0 # SKIP etcd is not installed (Debian: etcd-server)')
        return 0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    operations = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    print('1..2')
    differs, counts, answers = compare(sys.argv[1], seed, operations)
    print('%s 1 - promises 1 to 4 and 6, as a real etcd keeps them' % ('not ok' if differs else 'ok'))
    for line in (differs or str(counts)).split('\n'):
        print('# ' + line)
    # A comparison that never saw a refusal compared less than it says.
    missing = {'lost', 'deleted', 'none', 'compacted', 'future', 'refused', 'ok', 'data'} - answers
    print('%s 2 - every kind of answer came up' % ('not ok' if missing else 'ok'))
    if missing:
        print('# never seen: %s' % ' '.join(sorted(missing)))
    return 1 if differs or missing else 0


if __name__ == '__main__':
    sys.exit(main())
