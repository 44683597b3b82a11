#!/usr/bin/env python3
"""`dormouse serve --data FILE` from outside: restarts, SIGKILL under load, full disks, files it must not touch.

usage: test_data.py DORMOUSE [KILLS]     Prints TAP. KILLS: how often the server dies under writers (12).
"""
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

DORMOUSE = os.path.abspath(sys.argv[1])
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 12
MAPS = '/api/v1/namespaces/default/configmaps'
SERVICES = '/api/v1/namespaces/default/services'
CASES = []


class Skip(Exception):
    pass


def case(f):
    CASES.append(f)
    return f


class Server:
    def __init__(self, data, *options):
        self.p = subprocess.Popen([DORMOUSE, 'serve', '--data', data, *options], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        line = self.p.stdout.readline()
        assert line.startswith('listening on '), line + self.p.stderr.read()
        host, port = line.split()[2][len('http://'):].rsplit(':', 1)
        self.address = host, int(port)

    def end(self, signo=signal.SIGTERM):
        self.p.send_signal(signo)
        code = self.p.wait(10)
        self.p.stdout.close()
        self.p.stderr.close()
        return code

    def connect(self):
        return http.client.HTTPConnection(*self.address, timeout=20)

    def call(self, method, path, body=None, content_type='application/json'):
        c = self.connect()
        try:
            c.request(method, path, json.dumps(body) if body is not None else None, {'Content-Type': content_type})
            r = c.getresponse()
            return r.status, json.loads(r.read())
        finally:
            c.close()

    def make(self, path, body):
        status, made = self.call('POST', path, body)
        assert status == 201, made
        return made

    def revision(self):
        return int(self.call('GET', MAPS + '?limit=1')[1]['metadata']['resourceVersion'])

    def events(self, revision, path=MAPS, upto=None):
        """What a watch from `revision` tells, up to the revision `upto` or for a moment."""
        c = self.connect()
        c.request('GET', '%s?watch=1&resourceVersion=%s&timeoutSeconds=%d' % (path, revision, 5 if upto else 1))
        r, out = c.getresponse(), []
        try:
            while True:
                line = r.readline()
                if not line:
                    return out
                out.append(json.loads(line))
                if upto and int(out[-1]['object']['metadata'].get('resourceVersion', upto)) >= upto:
                    return out
        finally:
            c.close()


def configmap(name, value='v'):
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name}, 'data': {'key': value}}


def node_port(name):
    return {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': name},
            'spec': {'type': 'NodePort', 'ports': [{'port': 80}]}}


WIDGETS = {
    'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition',
    'metadata': {'name': 'widgets.example.com'},
    'spec': {'group': 'example.com', 'scope': 'Namespaced', 'names': {'plural': 'widgets', 'kind': 'Widget'},
             'versions': [{'name': 'v1', 'served': True, 'storage': True,
                           'schema': {'openAPIV3Schema': {'type': 'object',
                                                          'x-kubernetes-preserve-unknown-fields': True}}}]}}
WIDGET = {'apiVersion': 'example.com/v1', 'kind': 'Widget', 'metadata': {'name': 'w'}, 'spec': {'size': 7}}
WIDGET_PATH = '/apis/example.com/v1/namespaces/default/widgets'
EVERYWHERE = ['/api/v1/namespaces', MAPS, '/api/v1/services', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
              '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', '/apis/apiregistration.k8s.io/v1/apiservices',
              '/apis/scheduling.k8s.io/v1/priorityclasses', WIDGET_PATH]


def wait_until(f, what):
    end = time.monotonic() + 10
    while not f():
        assert time.monotonic() < end, what
        time.sleep(0.002)


def populate(s):
    s.make('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', WIDGETS)
    wait_until(lambda: s.call('GET', WIDGET_PATH)[0] == 200, 'widgets are served')
    s.make(WIDGET_PATH, WIDGET)
    for i in range(4):
        s.make(MAPS, configmap('m%d' % i))
    s.call('DELETE', MAPS + '/m1')
    s.call('PATCH', MAPS + '/m2', {'data': {'key': 'w'}}, 'application/merge-patch+json')
    s.make(SERVICES, node_port('a'))
    s.make(SERVICES, node_port('b'))


@case
def a_restart_restores_everything(folder):
    data = os.path.join(folder, 'data')
    for signo in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
        s = Server(data)
        if signo == signal.SIGTERM and not os.path.exists(data + '-seen'):
            populate(s)
            open(data + '-seen', 'w').close()
        before = {path: s.call('GET', path)[1] for path in EVERYWHERE}
        s.end(signo)
        s = Server(data)
        for path, want in before.items():
            status, got = s.call('GET', path)
            assert status == 200 and got == want, (path, got, want)
        s.end()


@case
def allocations_and_uids_go_on_where_they_stopped(folder):
    data = os.path.join(folder, 'data')
    s = Server(data)
    first = s.make(SERVICES, node_port('a'))
    s.end(signal.SIGKILL)
    s = Server(data)
    second = s.make(SERVICES, node_port('b'))
    s.end()
    assert first['spec']['clusterIP'] != second['spec']['clusterIP'], (first, second)
    assert first['spec']['ports'][0]['nodePort'] != second['spec']['ports'][0]['nodePort'], (first, second)
    assert first['metadata']['uid'] != second['metadata']['uid']
    # Nothing was written in between but the IPAddress of the second.
    assert int(second['metadata']['resourceVersion']) == int(first['metadata']['resourceVersion']) + 2


@case
def a_definition_being_deleted_is_finished_after_a_restart(folder):
    data = os.path.join(folder, 'data')
    crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com'
    s = Server(data)
    populate(s)
    s.call('PATCH', WIDGET_PATH + '/w', {'metadata': {'finalizers': ['example.com/hold']}},
           'application/merge-patch+json')
    s.call('DELETE', crd)
    s.end(signal.SIGKILL)
    s = Server(data)
    assert s.call('GET', crd)[1]['metadata']['deletionTimestamp']
    s.call('PATCH', WIDGET_PATH + '/w', {'metadata': {'finalizers': None}}, 'application/merge-patch+json')
    wait_until(lambda: s.call('GET', crd)[0] == 404, 'the definition goes')
    s.end()


@case
def watches_resume_or_get_410(folder):
    data = os.path.join(folder, 'data')
    s = Server(data)
    start = s.revision()
    for i in range(5):
        s.make(MAPS, configmap('m%d' % i))
    s.call('DELETE', MAPS + '/m3')
    end = s.revision()
    s.end(signal.SIGKILL)
    s = Server(data)
    told = [(e['type'], e['object']['metadata']['name']) for e in s.events(start, upto=end)]
    assert told == [('ADDED', 'm%d' % i) for i in range(5)] + [('DELETED', 'm3')], told
    assert s.events(end - 1, upto=end)[0]['type'] == 'DELETED'
    too_old = s.events(2)
    assert [e['type'] for e in too_old] == ['ERROR'] and too_old[0]['object']['code'] == 410, too_old
    assert s.call('GET', MAPS + '?resourceVersion=2&resourceVersionMatch=Exact')[0] == 410
    status, old = s.call('GET', MAPS + '?resourceVersion=%d&resourceVersionMatch=Exact' % (start + 2))
    assert status == 200 and len(old['items']) == 2, old
    s.end()


class Writer(threading.Thread):
    """Writes its own few objects as fast as it is answered, and remembers each answer."""

    def __init__(self, server, name, seed):
        super().__init__()
        self.server, self.name_, self.random = server, name, random.Random(seed)
        self.acks, self.there = [], {}

    def step(self, c):
        name = '%s-%d' % (self.name_, self.random.randint(0, 3))
        value = '%d' % self.random.randint(0, 10 ** 9)
        known = name in self.there
        method = self.random.choice(['PUT', 'PUT', 'DELETE']) if known else 'POST'
        body = json.dumps(configmap(name, value)) if method != 'DELETE' else None
        self.there.pop(name, None)     # not known until it is answered
        c.request(method, MAPS + ('/' + name if known else ''), body, {'Content-Type': 'application/json'})
        r = c.getresponse()
        reply = json.loads(r.read())
        if r.status == 409 or r.status == 404:
            status, have = self.server.call('GET', MAPS + '/' + name)
            if status == 200:
                self.there[name] = have['data']['key']
            return
        assert r.status in (200, 201), reply
        if method == 'DELETE':
            self.acks.append((name, None, None))
            return
        self.there[name] = value
        self.acks.append((name, int(reply['metadata']['resourceVersion']), value))

    def run(self):
        c = self.server.connect()
        try:
            while True:
                self.step(c)
        except (OSError, http.client.HTTPException, ValueError):
            c.close()                  # it died; what was not answered counts for nothing


def check_acks(s, writers, start):
    """Each acknowledged write is an event of the log, at its revision; what was acknowledged last is there
    unless something newer was written that was not acknowledged any more."""
    events = {}
    for e in s.events(start, upto=s.revision_of_maps()):
        meta = e['object']['metadata']
        events[int(meta['resourceVersion'])] = (e['type'], meta['name'], e['object']['data']['key'])
    deleted = [name for type_, name, _ in events.values() if type_ == 'DELETED']
    count = 0
    for w in writers:
        for name, revision, value in w.acks:
            count += 1
            if revision is None:
                assert name in deleted, '%s was acknowledged as deleted' % name
                deleted.remove(name)
            else:
                assert events.get(revision, [None])[1:] == (name, value), (revision, name, value, events.get(revision))
    return count


def revision_of_maps(self):
    """Of the newest event under the watched path, so that a watch can tell when it has all."""
    items = self.call('GET', MAPS)[1]
    return max([int(i['metadata']['resourceVersion']) for i in items['items']] + [0])


Server.revision_of_maps = revision_of_maps


@case
def killed_under_writers_nothing_acknowledged_is_lost(folder):
    data, dice, acks, last = os.path.join(folder, 'data'), random.Random(7), 0, 0
    for kill in range(KILLS):
        s = Server(data)
        start = s.revision()
        assert start >= last, 'revision %d after %d' % (start, last)
        writers = [Writer(s, 'w%d' % i, kill * 10 + i) for i in range(3)]
        for w in writers:
            w.start()
        enough = dice.randint(1, 40)
        wait_until(lambda: sum(len(w.acks) for w in writers) >= enough, 'writers are answered')
        s.end(signal.SIGKILL)
        for w in writers:
            w.join()
        s = Server(data)
        # A last write makes the watch end: it is newer than all of theirs.
        s.make(MAPS, configmap('end-%d' % kill))
        acks += check_acks(s, writers, start)
        last = s.revision()
        s.end(signal.SIGKILL)
    assert acks >= KILLS, '%d acknowledged writes in %d lives' % (acks, KILLS)


def refused(data, code, says, **how):
    r = subprocess.run([DORMOUSE, 'serve', '--data', data], capture_output=True, text=True, timeout=10, **how)
    assert r.returncode == code, (data, r)
    assert r.stdout == '' and r.stderr.count('\n') == 1 and data in r.stderr and says in r.stderr, r


@case
def what_is_no_data_file_is_exit_2_and_untouched(folder):
    text, other, newer = (os.path.join(folder, n) for n in ('text', 'other', 'newer'))
    with open(text, 'w') as f:
        f.write('apiVersion: v1\n' * 100)
    for path, app, version in ((other, 1, 1), (newer, 0x646f726d, 99)):
        db = sqlite3.connect(path)
        db.executescript('PRAGMA application_id = %d; PRAGMA user_version = %d; CREATE TABLE log (x)' % (app, version))
        db.close()
    for path, says in ((text, 'not a data file'), (other, 'another program'), (newer, 'newer dormouse')):
        with open(path, 'rb') as f:
            before = f.read()
        refused(path, 2, says)
        with open(path, 'rb') as f:
            assert f.read() == before, path
    assert sorted(os.listdir(folder)) == ['newer', 'other', 'text']
    refused(folder, 2, 'a folder')
    refused('/dev/null', 2, 'not a regular file')


@case
def a_damaged_file_is_exit_2_and_untouched(folder):
    data = os.path.join(folder, 'data')
    s = Server(data)
    s.make(MAPS, configmap('precious', 'x' * 3000))
    s.end()
    with open(data, 'rb') as f:
        good = f.read()
    for bad in (good.replace(b'x' * 3000, b'x' * 2999 + b'y'), good[:len(good) // 2], good[:1000], good[:4096] +
                bytes(8192) + good[12288:]):
        with open(data, 'wb') as f:
            f.write(bad)
        refused(data, 2, 'damaged')
        with open(data, 'rb') as f:
            assert f.read() == bad
    with open(data, 'wb') as f:
        f.write(good)
    s = Server(data)
    assert s.call('GET', MAPS + '/precious')[0] == 200
    s.end()


@case
def what_the_machine_refuses_is_exit_3(folder):
    data = os.path.join(folder, 'data')
    refused(os.path.join(folder, 'no/such/data'), 3, 'No such file')
    s = Server(data)
    refused(data, 3, 'another process uses it')
    s.make(MAPS, configmap('still-there'))
    s.end()


def as_nobody():
    os.setgid(65534)
    os.setuid(65534)


@case
def what_may_not_be_written_is_exit_3(folder):
    data = os.path.join(folder, 'data')
    how = {}
    if os.getuid() == 0:               # root may write everything: be somebody else
        how['preexec_fn'] = as_nobody
        try:
            if subprocess.run([DORMOUSE, '--version'], capture_output=True, **how).returncode not in (0, 2):
                raise Skip('as root, and nobody else may run the program')
        except OSError:
            raise Skip('as root, and nobody else may run the program')
    Server(data).end()
    os.chmod(folder, 0o755)
    os.chmod(data, 0o444)
    refused(data, 3, 'cannot be', **how)               # a file that cannot be written
    os.chmod(data, 0o666)
    os.chmod(folder, 0o555)
    refused(data, 3, 'cannot be', **how)               # a folder where nothing can be made
    os.chmod(folder, 0o755)
    os.chmod(data, 0o000)
    refused(data, 3, 'cannot be', **how)               # a file that cannot be read
    os.chmod(data, 0o644)
    s = Server(data)
    assert s.call('GET', '/api/v1/namespaces/default')[0] == 200
    s.end()


@case
def a_full_disk_refuses_writes_and_goes_on_later(folder):
    if os.getuid() != 0 or subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder],
                                          stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip('no small disk can be mounted')
    s = None
    try:
        data, made = os.path.join(folder, 'data'), []
        with open(os.path.join(folder, 'other'), 'wb') as f:
            f.write(bytes(10 << 20))
        s = Server(data)
        status, reply = 201, None
        while status == 201 and len(made) < 200:
            status, reply = s.call('POST', MAPS, configmap('m%d' % len(made), 'x' * 200000))
            if status == 201:
                made.append('m%d' % len(made))
        assert (status, reply.get('message'), reply.get('reason')) == (
            500, 'etcdserver: mvcc: database space exceeded', None), (len(made), reply)
        assert len(made) > 3, made
        assert s.call('GET', MAPS + '/m0')[0] == 200
        for method in ('PUT', 'DELETE'):
            status, reply = s.call(method, MAPS + '/m0', configmap('m0') if method == 'PUT' else None)
            assert (status, reply['message']) == (500, 'etcdserver: mvcc: database space exceeded'), (method, reply)
        os.unlink(os.path.join(folder, 'other'))
        assert s.call('PUT', MAPS + '/m0', configmap('m0', 'again'))[0] == 200
        s.end(signal.SIGKILL)
        s = Server(data)
        assert sorted(i['metadata']['name'] for i in s.call('GET', MAPS)[1]['items']) == sorted(made)
        assert s.call('GET', MAPS + '/m0')[1]['data']['key'] == 'again'
    finally:
        if s:
            s.end()
        subprocess.run(['umount', folder], check=True)


@case
def controllers_in_the_process_wait_for_the_file_too(folder):
    data = os.path.join(folder, 'data')
    options = ['--controllers', 'all', '--cluster-loops', 'all']
    sandboxes = '/apis/agents.x-k8s.io/v1beta1/namespaces/default/sandboxes'
    s = Server(data, *options)
    wait_until(lambda: s.call('GET', sandboxes)[0] == 200, 'sandboxes are served')
    s.make(sandboxes, {'apiVersion': 'agents.x-k8s.io/v1beta1', 'kind': 'Sandbox', 'metadata': {'name': 'box'},
                       'spec': {'podTemplate': {'spec': {'containers': [{'name': 'c', 'image': 'i'}]}}}})

    def ready():
        conditions = s.call('GET', sandboxes + '/box')[1].get('status', {}).get('conditions', [])
        return any(c['type'] == 'Ready' and c['status'] == 'True' for c in conditions)
    wait_until(ready, 'the sandbox is ready')
    pod = s.call('GET', '/api/v1/namespaces/default/pods')[1]['items'][0]
    s.end(signal.SIGKILL)
    s = Server(data, *options)
    again = s.call('GET', '/api/v1/namespaces/default/pods')[1]['items']
    assert [p['metadata']['uid'] for p in again] == [pod['metadata']['uid']], again
    s.end()


def main():
    failed = 0
    print('1..%d' % len(CASES))
    for i, f in enumerate(CASES):
        folder = tempfile.mkdtemp()
        name = f.__name__.replace('_', ' ')
        try:
            f(folder)
            print('ok %d - %s' % (i + 1, name), flush=True)
        except Skip as e:
            print('ok %d - %s # SKIP %s' % (i + 1, name, e), flush=True)
        except Exception as e:         # also what a dead server makes of a connection
            failed += 1
            print('# %s: %s' % (type(e).__name__, str(e)[:1500].replace('\n', '\n# ')))
            print('not ok %d - %s' % (i + 1, name), flush=True)
        finally:
            os.chmod(folder, 0o755)
            shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
