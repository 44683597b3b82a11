#!/usr/bin/env python3
"""`dormouse serve --tls` from outside: certificates, who is let in, noise on the port; with kubectl where it is.

usage: test_identity.py DORMOUSE     Prints TAP. Python standard library only.
"""
import base64
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

DORMOUSE = sys.argv[1]
KUBECTL = shutil.which('kubectl')
CASES = []


class Skip(Exception):
    pass


def case(f):
    CASES.append(f)
    return f


class Server:
    """A server of its own for a `with` block, its kubeconfig beside it."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.kubeconfig = os.path.join(self.folder.name, 'kubeconfig')
        self.p = subprocess.Popen([DORMOUSE, 'serve', '--kubeconfig-out', self.kubeconfig, *self.options],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.p.stdout.readline()
        assert line.startswith('listening on '), line + self.p.stderr.read()
        self.url = line.split()[2]
        host, port = self.url.split('://')[1].rsplit(':', 1)
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
        self.folder.cleanup()

    def credential(self, key):
        """The file that holds what the kubeconfig says in base64."""
        text = re.search(r'%s: (\S+)' % key, open(self.kubeconfig).read()).group(1)
        path = os.path.join(self.folder.name, key)
        with open(path, 'wb') as f:
            f.write(base64.b64decode(text))
        return path

    def context(self, admin=True):
        c = ssl.create_default_context(cafile=self.credential('certificate-authority-data'))
        if admin:
            c.load_cert_chain(self.credential('client-certificate-data'), self.credential('client-key-data'))
        return c

    def connect(self, context=None):
        if self.url.startswith('http:'):
            return http.client.HTTPConnection(*self.address, timeout=10)
        return http.client.HTTPSConnection(*self.address, timeout=10, context=context or self.context())

    def call(self, method, path, body=None, headers=None, context=None):
        c = self.connect(context)
        headers = dict(headers or {})
        if body is not None:
            body = json.dumps(body)
            headers.setdefault('Content-Type', 'application/json')
        c.request(method, path, body, headers)
        r = c.getresponse()
        data = r.read()
        c.close()
        try:
            return r.status, json.loads(data)
        except ValueError:
            return r.status, data.decode()

    def kubectl(self, *args, config=None):
        if not KUBECTL:
            raise Skip('no kubectl here')
        env = {'HOME': self.folder.name, 'PATH': os.environ['PATH']}
        return subprocess.run([KUBECTL, '--kubeconfig', config or self.kubeconfig, *args], env=env, text=True,
                              capture_output=True, timeout=20)


# ---- TLS ---------------------------------------------------------------------------------------------------

@case
def the_kubeconfig_opens_the_door():
    with Server('--tls', '--tls-host', 'other.example') as s:
        assert s.url.startswith('https://127.0.0.1:')
        status, body = s.call('GET', '/api/v1/namespaces/default')
        assert status == 200 and body['metadata']['name'] == 'default'
        with socket.create_connection(s.address) as raw:
            with s.context().wrap_socket(raw, server_hostname='other.example') as tls:
                assert tls.version() == 'TLSv1.3'


@case
def an_unknown_authority_is_refused_by_the_client():
    with Server('--tls') as s, Server('--tls') as other:
        try:
            s.call('GET', '/version', context=other.context(admin=False))
        except ssl.SSLCertVerificationError:
            return
        raise AssertionError('a foreign authority was taken for ours')


@case
def kubectl_trusts_it():
    with Server('--tls') as s:
        r = s.kubectl('get', 'namespace', 'default', '-o', 'name')
        assert r.stdout == 'namespace/default\n', r.stderr


@case
def plain_words_are_answered_plainly():
    with Server('--tls') as s:
        for request in (b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', b'POST /api HTTP/1.1\r\nContent-Length: 200000\r\n\r\n' +
                        200000 * b'x'):
            with socket.create_connection(s.address, timeout=10) as c:
                c.sendall(request)
                got = b''
                while part := c.recv(4096):
                    got += part
            assert got == (b'HTTP/1.0 400 Bad Request\r\n\r\n'
                           b'Client sent an HTTP request to an HTTPS server.\n'), got


@case
def noise_costs_its_own_connection():
    with Server('--tls') as s:
        hello = b'\x16\x03\x01\x00\xff\x01\x00\x00\xfb\x03\x03'
        for noise in (b'\0' * 5000, b'\xff' * 5000, hello + b'\xff' * 300, b'\x16\x03\x01\xff\xff' + b'a' * 70000, b'\x80'):
            with socket.create_connection(s.address, timeout=10) as c:
                try:
                    c.sendall(noise)
                    c.shutdown(socket.SHUT_WR)
                    while c.recv(4096):
                        pass
                except OSError:
                    pass
        assert s.call('GET', '/version')[0] == 200


@case
def slow_handshakes_stall_nobody():
    with Server('--tls') as s:
        slow = [socket.create_connection(s.address) for _ in range(100)]
        for c in slow:
            c.sendall(b'\x16\x03\x01\x02\x00\x01')
        start = time.monotonic()
        for _ in range(5):
            assert s.call('GET', '/version')[0] == 200
        assert time.monotonic() - start < 5
        for c in slow:
            c.close()


@case
def certificates_of_one_s_own():
    with Server('--tls') as first, tempfile.TemporaryDirectory() as folder:
        saved = os.path.join(folder, 'certs')
        with Server('--tls', '--cert-dir', saved) as s:
            assert sorted(os.listdir(saved)) == ['apiserver.crt', 'apiserver.key', 'ca.crt']
            assert os.stat(os.path.join(saved, 'apiserver.key')).st_mode & 0o077 == 0
        trust = ssl.create_default_context(cafile=os.path.join(saved, 'ca.crt'))
        with Server('--tls', '--cert-dir', saved) as s:
            assert s.call('GET', '/version', context=trust)[0] == 200
        with Server('--tls', '--tls-cert-file', saved + '/apiserver.crt', '--tls-private-key-file',
                    saved + '/apiserver.key') as s:
            assert s.call('GET', '/version', context=trust)[0] == 200


@case
def wrong_certificates_are_one_clear_line():
    with tempfile.TemporaryDirectory() as folder:
        junk = os.path.join(folder, 'junk')
        with open(junk, 'w') as f:
            f.write('-----BEGIN CERTIFICATE-----\nnonsense\n')
        for options, code, words in (
                (['--tls-cert-file', junk], 2, '--tls'),
                (['--tls', '--tls-cert-file', junk], 2, 'needs its key'),
                (['--tls', '--tls-cert-file', junk, '--tls-private-key-file', junk], 2, 'cannot be used'),
                (['--tls', '--client-ca-file', folder + '/none'], 3, 'No such file'),
                (['--tls', '--client-ca-file', DORMOUSE], 2, 'holds no PEM')):
            r = subprocess.run([DORMOUSE, 'serve', *options], capture_output=True, text=True, timeout=10)
            assert r.returncode == code and words in r.stderr and r.stderr.count('\n') == 1, (options, r)


def main():
    print('1..%d' % len(CASES))
    failed = False
    for i, f in enumerate(CASES, 1):
        name = f.__name__.replace('_', ' ')
        try:
            f()
            print('ok %d - %s' % (i, name), flush=True)
        except Skip as why:
            print('ok %d - %s # SKIP %s' % (i, name, why), flush=True)
        except Exception as e:
            failed = True
            print('not ok %d - %s' % (i, name), flush=True)
            print('# %s: %s' % (type(e).__name__, str(e).replace('\n', '\n# ')), flush=True)
    sys.exit(failed)


main()
