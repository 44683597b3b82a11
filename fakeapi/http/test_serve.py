#!/usr/bin/env python3
"""`dormouse serve` from outside: the command line, the one line, HTTP as kube-apiserver does it, signals.

usage: test_serve.py DORMOUSE     Prints TAP. Python standard library only.
"""
import contextlib
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

DORMOUSE = sys.argv[1]
CASES = []


def case(f):
    CASES.append(f)
    return f


class Server:
    """A server of its own for a `with` block."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        self.p = subprocess.Popen([DORMOUSE, 'serve', *self.options], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        line = self.p.stdout.readline()
        assert line.startswith('listening on '), line + self.p.stderr.read()
        self.url = line.split()[2]
        if self.url.startswith('http://'):
            host, port = self.url[len('http://'):].rsplit(':', 1)
            self.address = host.strip('[]'), int(port)
        return self

    def __exit__(self, *error):
        if self.p.poll() is None:
            self.p.terminate()
        try:
            self.p.wait(5)
        except subprocess.TimeoutExpired:
            self.p.kill()
            raise
        self.p.stdout.close()
        self.p.stderr.close()

    def connect(self):
        return http.client.HTTPConnection(*self.address, timeout=10)

    def socket(self):
        return socket.create_connection(self.address, timeout=10)

    def call(self, method, path, body=None, headers=None):
        c = self.connect()
        try:
            c.request(method, path, body, headers or {})
            r = c.getresponse()
            return r.status, r.headers, r.read()
        finally:
            c.close()

    def make(self, name):
        body = json.dumps({'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name}})
        status, _, data = self.call('POST', '/api/v1/namespaces/default/configmaps', body,
                                    {'Content-Type': 'application/json'})
        assert status == 201, data

    def watch(self, path='/api/v1/namespaces/default/configmaps?watch=1'):
        s = self.socket()
        s.sendall(b'GET %s HTTP/1.1\r\nHost: x\r\n\r\n' % path.encode())
        return s


def read_until(s, text, seconds=5):
    got, end = b'', time.monotonic() + seconds
    while text not in got:
        s.settimeout(max(0.01, end - time.monotonic()))
        data = s.recv(65536)
        if not data:
            raise AssertionError('closed after %r' % got[-300:])
        got += data
    return got


def run(*options):
    return subprocess.run([DORMOUSE, 'serve', *options], capture_output=True, text=True, timeout=10)


# ---- the command line ------------------------------------------------------------------------------


@case
def wrong_command_lines_are_exit_2_with_one_clear_line():
    for options, said in [(['--no-such'], '--no-such'), (['operand'], 'operand'), (['--listen'], '--listen'),
                          (['--listen', 'here'], 'HOST:PORT'), (['--listen', '127.0.0.1:99999'], '99999'),
                          (['--cluster-loops', 'kubelet,nothing'], 'nothing'), (['--nodes', '0'], '--nodes'),
                          (['--nodes', 'many'], 'many'), (['--time', 'soon'], 'soon'),
                          (['--crds', 'all'], 'all'), (['--controllers=yes'], '--controllers'),
                          (['--listen', 'unix:/tmp/x%d' % os.getpid(), '--kubeconfig-out', '/tmp/k'], 'unix')]:
        r = run(*options)
        assert r.returncode == 2, (options, r)
        assert r.stdout == '' and said in r.stderr and r.stderr.count('\n') == 1, (options, r)


@case
def what_the_machine_refuses_is_exit_3():
    with Server() as s:
        r = run('--listen', '%s:%d' % s.address)
        assert r.returncode == 3 and 'Address already in use' in r.stderr and r.stdout == '', r
    r = run('--kubeconfig-out', '/no/such/folder/kubeconfig')
    assert r.returncode == 3 and '/no/such/folder/kubeconfig: No such file' in r.stderr and r.stdout == '', r


@case
def help_is_exit_0():
    r = run('--help')
    assert r.returncode == 0 and '--kubeconfig-out' in r.stdout and r.stdout.count('\n') < 30, r


@case
def the_kubeconfig_is_there_before_the_line():
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'kubeconfig')
        with Server('--kubeconfig-out', path) as s:
            text = open(path).read()
            assert 'server: %s\n    insecure-skip-tls-verify: true\n' % s.url in text, text
            assert os.stat(path).st_mode & 0o777 == 0o600
            assert os.listdir(d) == ['kubeconfig']


@case
def ready_within_a_tenth_of_a_second():
    best = 9
    for _ in range(3):
        start = time.monotonic()
        with Server() as s:
            assert s.call('GET', '/readyz')[0] == 200
            best = min(best, time.monotonic() - start)
    assert best < 0.1, best


@case
def a_unix_socket_and_ipv6():
    with tempfile.TemporaryDirectory() as d:
        with Server('--listen', 'unix:%s/s' % d) as s:
            assert s.url == 'unix:%s/s' % d
            c = socket.socket(socket.AF_UNIX)
            c.connect(d + '/s')
            c.sendall(b'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
            assert b'200 OK' in read_until(c, b'ok')
        assert os.listdir(d) == []
    if os.path.exists('/proc/net/if_inet6') and open('/proc/net/if_inet6').read():
        with Server('--listen', '[::1]:0') as s:
            assert s.url.startswith('http://[::1]:')
            assert s.call('GET', '/livez')[0] == 200


DEFINITION = '''apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %(plural)s.x.io}
spec:
  group: x.io
  scope: Namespaced
  names: {plural: %(plural)s, kind: %(kind)s}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object%(more)s}}}
'''


def definition(plural, kind, more=''):
    return DEFINITION % {'plural': plural, 'kind': kind, 'more': more}


@contextlib.contextmanager
def folder(**files):
    with tempfile.TemporaryDirectory() as d:
        for name, text in files.items():
            with open(os.path.join(d, name.replace('_', '.')), 'w') as f:
                f.write(text)
        yield d


@case
def definitions_come_from_files_and_folders():
    with folder(a_yaml='# what follows\n---\n' + definition('as', 'A') + '---\n---\n' + definition('bs', 'B'),
                kustomization_yaml='resources: [a.yaml]\n', notes_txt=': no YAML',
                c_json=json.dumps({'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'no'}})) as d:
        with folder(one_yml=definition('cs', 'C')) as e:
            with Server('--crds', d, '--crds=' + os.path.join(e, 'one.yml'), '--crds', 'agent-sandbox') as s:
                # Served at once: nobody has to wait for the condition.
                names = [r['name'] for r in json.loads(s.call('GET', '/apis/x.io/v1')[2])['resources']]
                assert names == ['as', 'bs', 'cs'], names
                assert s.call('GET', '/apis/agents.x-k8s.io/v1beta1/sandboxes')[0] == 200
            data = os.path.join(e, 'data')
            for more, want in (('', False), (', required: [spec]', True)):
                with open(os.path.join(e, 'one.yml'), 'w') as f:
                    f.write(definition('cs', 'C', more))
                with Server('--crds', e, '--data', data) as s:     # what is there is brought up to date
                    _, _, body = s.call('GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/cs.x.io')
                    assert ('"required":["spec"]' in body.decode()) == want, body


@case
def what_is_wrong_with_a_definition_has_its_file_and_line():
    good = definition('as', 'A')
    for name, text, said in [('bad', good + '---\n' + good.replace('kind: A}', 'kind: A'), 'bad.yaml:18: yaml: '),
                             ('no', good.replace('scope: Namespaced', 'scope: Galactic'),
                              'no.yaml:1: CustomResourceDefinition.apiextensions.k8s.io "as.x.io" is invalid: spec.scope'),
                             ('odd', '\n---\n' + good.replace('  group:', '  grupp: x\n  group:'),
                              'odd.yaml:2: ' + 'CustomResourceDefinition in version "v1" cannot be handled'),
                             ('empty', '', 'holds no CustomResourceDefinition')]:
        with folder(**{name + '_yaml': text}) as d:
            r = run('--crds', d)
            assert r.returncode == 2 and said in r.stderr and r.stderr.count('\n') == 1 and not r.stdout, (said, r)


# ---- HTTP as kube-apiserver does it ----------------------------------------------------------------


@case
def every_reply_has_the_server_s_headers__A_110():
    with Server() as s:
        for path in ['/version', '/api/v1/namespaces', '/no/such', '/livez']:
            _, h, _ = s.call('GET', path)
            assert h['Cache-Control'] == 'no-cache, private', (path, h.items())
            assert len(h['Audit-Id']) == 36 and len(h['X-Kubernetes-Pf-Flowschema-Uid']) == 36
            assert len(h['X-Kubernetes-Pf-Prioritylevel-Uid']) == 36 and h['Date'] and h['Content-Type']
        one, two = s.call('GET', '/version')[1], s.call('GET', '/version')[1]
        assert one['Audit-Id'] != two['Audit-Id']
        assert one['X-Kubernetes-Pf-Flowschema-Uid'] == two['X-Kubernetes-Pf-Flowschema-Uid']
        assert s.call('GET', '/version', headers={'Audit-ID': 'mine'})[1]['Audit-Id'] == 'mine'


@case
def a_body_beyond_three_mebibytes_is_413__K_001_J_085():
    with Server() as s:
        path, h = '/api/v1/namespaces/default/configmaps', {'Content-Type': 'application/json'}
        status, _, data = s.call('POST', path, b' ' * 3145726 + b'{}', h)
        assert status != 413, data
        status, _, data = s.call('POST', path, b' ' * 3145727 + b'{}', h)
        doc = json.loads(data)
        assert status == 413 and doc['reason'] == 'RequestEntityTooLarge', data
        assert doc['message'] == 'Request entity too large: limit is 3145728', data


@case
def bodies_in_yaml_are_read__A_063():
    maps, options = '/api/v1/namespaces/default/configmaps', 'apiVersion: v1\nkind: DeleteOptions\n'
    rows = [('POST', maps, 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: plain\n', 201),
            ('DELETE', maps + '/plain', options + 'propagationPolicy: Sideways\n', 422),
            ('DELETE', maps + '/plain', options + 'gracePeriodSeconds: 0\n', 200)]
    with Server() as s:
        for method, path, body, want in rows:
            status, _, data = s.call(method, path, body, {'Content-Type': 'application/yaml'})
            assert status == want, data


@case
def the_target_is_not_decoded_on_the_way__K_050():
    with Server() as s:
        s.make('a')
        assert s.call('GET', '/api/v1/namespaces/default/configmaps/%61')[0] == 200
        status, h, data = s.call('GET', '/api/v1/namespaces/default/configmaps/a%zz')
        assert (status, data) == (400, b'400 Bad Request') and h['Content-Type'] == 'text/plain; charset=utf-8'
        c = s.socket()
        c.sendall(b'GET %s/api/v1/namespaces/default/configmaps/a HTTP/1.1\r\nHost: x\r\n\r\n' % s.url.encode())
        assert b'200 OK' in read_until(c, b'\r\n\r\n')
        c.close()
        long = ','.join('label-%d!=%s' % (i, 'v' * 50) for i in range(500))
        assert s.call('GET', '/api/v1/namespaces/default/configmaps?labelSelector=' + long)[0] == 200


@case
def head_has_no_body():
    with Server() as s:
        c = s.connect()
        for _ in range(2):
            c.request('HEAD', '/apis')
            r = c.getresponse()
            assert r.status == 200 and r.read() == b'' and int(r.headers['Content-Length']) > 100
        c.close()


@case
def a_watch_is_chunked_and_flushed_per_event__C_070_A_132():
    with Server() as s:
        w = s.watch()
        head = read_until(w, b'\r\n\r\n').decode()
        assert '200 OK' in head and 'Transfer-Encoding: chunked' in head, head
        assert 'Content-Type: application/json' in head and 'Content-Length' not in head, head
        for name in ('a', 'b'):
            s.make(name)
            line = read_until(w, b'"name":"%s"' % name.encode())
            assert b'"type":"ADDED"' in line, line
        w.close()


@case
def slow_and_silent_clients_stall_nobody():
    with Server() as s:
        silent = [s.socket() for _ in range(50)]
        for c in silent[:25]:
            c.sendall(b'POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nContent-Le')
        for c in silent[25:]:
            c.sendall(b'POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{')
        deaf = [s.watch() for _ in range(50)]
        start = time.monotonic()
        c = s.connect()
        for i in range(200):
            body = json.dumps({'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'n%d' % i},
                               'data': {'k': 'x' * 20000}})
            c.request('POST', '/api/v1/namespaces/default/configmaps', body, {'Content-Type': 'application/json'})
            r = c.getresponse()
            assert r.status == 201, r.read()
            r.read()
        c.close()
        assert time.monotonic() - start < 5
        for c in silent + deaf:
            c.close()
        s.make('after')


@case
def a_connection_is_used_again__A_130():
    with Server() as s:
        c = s.connect()
        for i in range(100):
            c.request('GET', '/api/v1/namespaces/default')
            r = c.getresponse()
            r.read()
            assert r.status == 200 and r.version == 11 and not r.will_close
            if i == 0:
                port = c.sock.getsockname()
        assert c.sock.getsockname() == port
        c.close()


@case
def watchers_that_leave_are_forgotten():
    with Server() as s:
        fds = '/proc/%d/fd' % s.p.pid
        before = len(os.listdir(fds))
        watches = [s.watch() for _ in range(100)]
        for w in watches:
            read_until(w, b'\r\n\r\n')
        assert len(os.listdir(fds)) == before + 100
        for w in watches:
            w.close()
        end = time.monotonic() + 2
        while len(os.listdir(fds)) > before and time.monotonic() < end:
            time.sleep(0.01)
        assert len(os.listdir(fds)) == before


@case
def noise_is_survived():
    with Server() as s:
        for noise in [b'\x00' * 1000, b'GET\r\n\r\n', b'\x16\x03\x01' + os.urandom(200), b'\r\n' * 500,
                      b'GET / HTTP/1.1\r\n' + b'A: b\r\n' * 20000 + b'\r\n',
                      b'GET /' + b'a' * 200000 + b' HTTP/1.1\r\n\r\n',
                      b'POST /api HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n']:
            c = s.socket()
            with contextlib.suppress(OSError):
                c.sendall(noise)
                c.settimeout(0.05)
                c.recv(1000)
            c.close()
        assert s.call('GET', '/livez')[0] == 200


# ---- stopping ---------------------------------------------------------------------------------------


@case
def a_signal_ends_watches_properly_and_the_process_with_0():
    for signo in (signal.SIGTERM, signal.SIGINT):
        with Server() as s:
            w = s.watch()
            read_until(w, b'\r\n\r\n')
            s.p.send_signal(signo)
            assert read_until(w, b'0\r\n\r\n').endswith(b'0\r\n\r\n')
            assert s.p.wait(2) == 0
            assert s.p.stdout.read() == '' and s.p.stderr.read() == ''


@case
def a_half_sent_request_does_not_hold_the_stop():
    with Server() as s:
        c = s.socket()
        c.sendall(b'POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{')
        time.sleep(0.05)
        s.p.terminate()
        assert s.p.wait(1) == 0
        c.close()


@case
def exit_with_parent():
    script = 'import subprocess,sys,time\np=subprocess.Popen([sys.argv[1],"serve","--exit-with-parent"],' \
             'stdout=subprocess.PIPE)\nprint(p.pid, p.stdout.readline().split()[2].decode(), flush=True)\n'
    out = subprocess.run([sys.executable, '-c', script, DORMOUSE], capture_output=True, text=True, timeout=10).stdout
    pid = int(out.split()[0])
    end = time.monotonic() + 5
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if open('/proc/%d/stat' % pid).read().split(')')[1].split()[0] == 'Z':
                return
        if not os.path.exists('/proc/%d' % pid):
            return
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError('it lives on')


@case
def the_end_of_the_thread_that_started_it_is_not_its_parent_s():
    started = []
    thread = threading.Thread(target=lambda: started.append(Server('--exit-with-parent').__enter__()))
    thread.start()
    thread.join()
    time.sleep(0.05)
    try:
        assert started[0].call('GET', '/livez')[0] == 200
    finally:
        started[0].__exit__()


def main():
    failed = 0
    print('1..%d' % len(CASES))
    for i, f in enumerate(CASES):
        try:
            f()
            print('ok %d - %s' % (i + 1, f.__name__), flush=True)
        except Exception as e:                      # every failure of a case is that case's
            failed += 1
            print('not ok %d - %s\n# %s: %s' % (i + 1, f.__name__, type(e).__name__, str(e).replace('\n', '\n# ')),
                  flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
