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
def the_kubeconfig_opens_the_door__A_135():
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
        for noise in (b'\0' * 5000, b'\xff' * 5000, hello + b'\xff' * 300, b'\x16\x03\x01\xff\xff' + b'a' * 70000,
                      b'\x80'):
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
                (['--tls', '--client-ca-file', DORMOUSE], 2, 'is longer than'),
                (['--tls', '--client-ca-file', os.devnull], 2, 'holds no PEM'),
                (['--service-account-signing-key-file', junk], 2, 'tokens'),
                (['--token-auth-file', DORMOUSE], 2, 'is longer than'),
                (['--token-auth-file', junk], 2, 'expected at least 3 columns'),
                (['--authorization', 'ABAC'], 2, 'ABAC'),
                (['--anonymous-auth', 'no'], 2, 'no')):
            r = subprocess.run([DORMOUSE, 'serve', *options], capture_output=True, text=True, timeout=10)
            assert r.returncode == code and words in r.stderr and r.stderr.count('\n') == 1, (options, r)


# ---- who is let in -----------------------------------------------------------------------------------------

ROLES = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles'
BINDINGS = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings'
REVIEW = '/apis/authentication.k8s.io/v1/tokenreviews'
WHOAMI = '/apis/authentication.k8s.io/v1/selfsubjectreviews'


def bearer(token):
    return {'Authorization': 'Bearer ' + token}


def account(s, name='s', spec=None):
    """A service account and a token for it."""
    s.call('POST', '/api/v1/namespaces/default/serviceaccounts', {'metadata': {'name': name}})
    status, body = s.call('POST', '/api/v1/namespaces/default/serviceaccounts/%s/token' % name, {'spec': spec or {}})
    assert status == 201, body
    return body['status']['token']


def part(token, i):
    text = token.split('.')[i]
    return json.loads(base64.urlsafe_b64decode(text + '=' * (-len(text) % 4)))


def unpart(tree):
    return base64.urlsafe_b64encode(json.dumps(tree).encode()).decode().rstrip('=')


@case
def whoever_shows_nothing_may_read_little__A_133_A_136_J_066_J_067():
    with Server('--tls', '--authorization', 'RBAC') as s:
        nobody = s.context(admin=False)
        assert s.call('GET', '/version', context=nobody)[0] == 200
        status, body = s.call('GET', '/api/v1/namespaces/default/pods/p/log', context=nobody)
        assert status == 403 and body['message'] == (
            'pods "p" is forbidden: User "system:anonymous" cannot get resource "pods/log" in API group "" in the '
            'namespace "default"'), body
        assert body['details'] == {'name': 'p', 'kind': 'pods'}
        status, body = s.call('GET', '/nowhere', context=nobody)
        assert status == 403 and body['message'] == (
            'forbidden: User "system:anonymous" cannot get path "/nowhere"') and body['details'] == {}, body


@case
def nobody_is_refused_when_asked__A_134():
    with Server('--tls', '--anonymous-auth', 'false') as s:
        status, body = s.call('GET', '/version', context=s.context(admin=False))
        assert status == 401 and body == {'kind': 'Status', 'apiVersion': 'v1', 'metadata': {}, 'status': 'Failure',
                                          'message': 'Unauthorized', 'reason': 'Unauthorized', 'code': 401}
        assert s.call('GET', '/version')[0] == 200


@case
def a_certificate_of_an_unknown_authority_is_refused():
    with Server('--tls') as s, Server('--tls') as other:
        c = s.context(admin=False)
        c.load_cert_chain(other.credential('client-certificate-data'), other.credential('client-key-data'))
        assert s.call('GET', '/version', context=c)[0] == 401


@case
def kubectl_auth_agrees__A_137_A_138_A_167():
    with Server('--tls', '--authorization', 'RBAC') as s:
        who = s.kubectl('auth', 'whoami', '-o', 'json')
        user = json.loads(who.stdout)['status']['userInfo']
        assert user['username'] == 'kubernetes-admin' and user['groups'] == ['system:masters', 'system:authenticated']
        assert list(user['extra']) == ['authentication.kubernetes.io/credential-id']
        assert s.kubectl('create', 'serviceaccount', 's').returncode == 0
        assert s.kubectl('create', 'role', 'reader', '--verb=get,list', '--resource=pods,pods/log').returncode == 0
        assert s.kubectl('create', 'rolebinding', 'b', '--role=reader', '--serviceaccount=default:s').returncode == 0
        me = ['--as', 'system:serviceaccount:default:s']
        for want, *question in (('yes', 'list', 'pods'), ('yes', 'get', 'pods', '--subresource=log'),
                                ('no', 'get', 'pods', '--subresource=exec'), ('no', 'delete', 'pods'),
                                ('yes', 'get', '/version'), ('no', 'get', '/metrics')):
            r = s.kubectl('auth', 'can-i', *question, *me)
            assert r.stdout.strip() == want, (question, r)
        assert s.kubectl('auth', 'can-i', 'list', 'pods', '-n', 'kube-system', *me).stdout.strip() == 'no'
        rows = s.kubectl('auth', 'can-i', '--list', *me).stdout
        assert re.search(r'^pods +\[\] +\[\] +\[get list\]', rows, re.M), rows
        token = s.kubectl('create', 'token', 's', '--duration', '20m').stdout.strip()
        assert part(token, 1)['exp'] - part(token, 1)['iat'] == 1200
        r = s.kubectl('auth', 'whoami', '-o', 'json', '--token', token, '--client-certificate=', '--client-key=')
        assert r.returncode == 0, r.stderr
        r = s.call('GET', '/api/v1/namespaces/default/pods', headers=bearer(token), context=s.context(admin=False))
        assert r[0] == 200
        r = s.call('DELETE', '/api/v1/namespaces/default/pods/p', headers=bearer(token), context=s.context(admin=False))
        assert r[0] == 403 and 'system:serviceaccount:default:s' in r[1]['message']


@case
def a_token_lets_in_over_plain_http_too():
    with Server('--authorization', 'RBAC') as s:
        token = re.search('token: "([^"]+)"', open(s.kubeconfig).read()).group(1)
        assert s.call('GET', '/api/v1/nodes')[0] == 403
        assert s.call('GET', '/api/v1/nodes', headers=bearer(token))[0] == 200
        assert s.call('GET', '/api/v1/nodes', headers=bearer(token + 'x'))[0] == 401


@case
def tokens_of_a_file__A_133_A_134():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'tokens')
        with open(path, 'w') as f:
            f.write('# nobody\nt1,joe,7,"devs,ops"\r\n"t""2",ann,8\n\n,none,1\nt3,root,9,system:masters\n')
        with Server('--authorization', 'RBAC', '--token-auth-file', path) as s:
            who = lambda t: s.call('POST', WHOAMI, {}, bearer(t))
            assert who('t1')[1]['status']['userInfo'] == {'username': 'joe', 'uid': '7',
                                                         'groups': ['devs', 'ops', 'system:authenticated']}
            assert who('t"2')[1]['status']['userInfo']['username'] == 'ann'
            assert s.call('GET', '/api/v1/nodes', headers=bearer('t3'))[0] == 200
            assert s.call('GET', '/api/v1/nodes', headers=bearer('t1'))[0] == 403
            for header in ('Bearer t4', 'bearer  t1', 'Bearer', 'Basic t1', 'Bearer ' + 'x' * 30000):
                status = s.call('POST', WHOAMI, {}, {'Authorization': header})[0]
                assert status == (401 if header.startswith('Bearer ') else 403), (header[:20], status)


@case
def hostile_tokens_are_refused__A_134_A_139_A_140():
    with Server() as s:
        token = account(s)
        head, claims, sum_ = token.split('.')
        h, c = part(token, 0), part(token, 1)
        assert h['alg'] == 'ES256' and len(h['kid']) == 43
        assert s.call('GET', '/version', headers=bearer(token))[0] == 200
        forged = [unpart({**h, 'alg': 'none'}) + '.' + claims + '.',
                  unpart({'alg': 'none'}) + '.' + claims + '.' + sum_,
                  unpart({**h, 'alg': 'HS256'}) + '.' + claims + '.' + sum_, head + '.' + claims + '.',
                  unpart({**h, 'kid': 'other'}) + '.' + claims + '.' + sum_, head + '.' + claims + '.' + 'A' * 86,
                  head + '.' + unpart({**c, 'exp': c['exp'] + 9}) + '.' + sum_, head + '.' + claims, '..', 'a.b.c',
                  head + '.' + unpart({**c, 'sub': 'system:admin'}) + '.' + sum_, head + '.' + 'A' * 20000 + '.' + sum_,
                  head + '.' + base64.urlsafe_b64encode(b'[' * 9000).decode() + '.' + sum_]
        for t in forged:
            assert s.call('GET', '/version', headers=bearer(t))[0] == 401, t[:60]
        review = lambda t, **spec: s.call('POST', REVIEW, {'spec': {'token': t, **spec}})[1]['status']
        assert review(token)['authenticated'] and review(token)['user']['username'] == 'system:serviceaccount:default:s'
        assert review(forged[5])['error'] == (
            '[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]')
        assert review(forged[4])['error'] == '[invalid bearer token, invalid signature, no keys found]'
        assert review('x' * 2000000)['error'] == 'invalid bearer token'
        assert review(token, audiences=['a', 'b'])['error'] == (
            '[invalid bearer token, token audiences ["https://kubernetes.default.svc"] is invalid for the target '
            'audiences ["a" "b"]]')
        other = account(s, 'o', {'audiences': ['a', 'c']})
        assert review(other, audiences=['b', 'c'])['audiences'] == ['c']
        assert s.call('GET', '/version', headers=bearer(other))[0] == 401
        s.call('DELETE', '/api/v1/namespaces/default/serviceaccounts/s')
        assert review(token)['error'] == '[invalid bearer token, serviceaccounts "s" not found]'
        assert s.call('GET', '/version', headers=bearer(token))[0] == 401


@case
def a_signing_key_of_one_s_own():
    openssl = shutil.which('openssl')
    if not openssl:
        raise Skip('no openssl here')
    with tempfile.TemporaryDirectory() as folder:
        key, public, text, sum_ = (os.path.join(folder, n) for n in ('key', 'public', 'text', 'sum'))
        subprocess.run([openssl, 'genrsa', '-out', key, '2048'], capture_output=True, check=True)
        subprocess.run([openssl, 'rsa', '-in', key, '-pubout', '-out', public], capture_output=True, check=True)
        with Server('--service-account-signing-key-file', key, '--service-account-issuer', 'https://me.example',
                    '--api-audience', 'x', '--api-audience', 'y') as s:
            token = account(s)
            signed, _, signature = token.rpartition('.')
            with open(text, 'w') as f:
                f.write(signed)
            with open(sum_, 'wb') as f:
                f.write(base64.urlsafe_b64decode(signature + '=='))
            r = subprocess.run([openssl, 'dgst', '-sha256', '-verify', public, '-signature', sum_, text],
                               capture_output=True, text=True)
            assert r.stdout == 'Verified OK\n', r
            assert part(token, 1)['aud'] == ['x', 'y'] and part(token, 1)['iss'] == 'https://me.example'
            keys = s.call('GET', '/openid/v1/jwks')[1]['keys']
            assert [k['kid'] for k in keys] == [part(token, 0)['kid']] and keys[0]['e'] == 'AQAB'
            about = s.call('GET', '/.well-known/openid-configuration')[1]
            assert about['issuer'] == 'https://me.example' and about['jwks_uri'].endswith('/openid/v1/jwks')
            assert about['id_token_signing_alg_values_supported'] == ['RS256']


@case
def impersonation__A_141():
    with Server('--authorization', 'RBAC', '--tls') as s:
        who = lambda **h: s.call('POST', WHOAMI, {}, {k.replace('_', '-'): v for k, v in h.items()})
        status, body = who(Impersonate_User='joe', Impersonate_Group='g', Impersonate_Uid='7',
                           **{'Impersonate-Extra-Acme.Example%2fTeam': 'a'})
        assert body['status']['userInfo'] == {'username': 'joe', 'uid': '7', 'groups': ['g', 'system:authenticated'],
                                              'extra': {'acme.example/team': ['a']}}, body
        assert who(Impersonate_User='system:serviceaccount:a:b')[1]['status']['userInfo']['groups'] == [
            'system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated']
        status, body = s.call('GET', '/api/v1/nodes', headers={'Impersonate-Group': 'g'})
        assert status == 500 and body == ('Internal Server Error: "/api/v1/nodes": requested [{Group  g    }] without '
                                          'impersonating a user\n'), (status, body)
        status, body = s.call('GET', '/api/v1/nodes', headers={'Impersonate-User': 'ann'},
                              context=s.context(admin=False))
        assert status == 403 and body['message'] == (
            'users "ann" is forbidden: User "system:anonymous" cannot impersonate resource "users" in API group "" at '
            'the cluster scope')


@case
def roles_are_made_of_others():
    with Server('--tls', '--authorization', 'RBAC', '--cluster-loops', 'all') as s:
        roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles'
        s.call('POST', BINDINGS, {'metadata': {'name': 'b'}, 'roleRef': {
            'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'ClusterRole', 'name': 'view'}, 'subjects': [
                {'kind': 'User', 'name': 'joe'}]})
        joe = lambda path: s.call('GET', path, headers={'Impersonate-User': 'joe'})[0]

        def soon(what):
            end = time.monotonic() + 5
            while not what():
                assert time.monotonic() < end, what
                time.sleep(0.01)

        soon(lambda: joe('/api/v1/namespaces/default/pods') == 200)
        assert joe('/api/v1/namespaces/default/secrets') == 403
        rules = s.call('GET', roles + '/admin')[1]['rules']
        assert {'verbs': ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
                'apiGroups': ['rbac.authorization.k8s.io'], 'resources': ['rolebindings', 'roles']} in rules
        more = {'metadata': {'name': 'more', 'labels': {'rbac.authorization.k8s.io/aggregate-to-view': 'true'}},
                'rules': [{'verbs': ['list'], 'apiGroups': [''], 'resources': ['secrets']}]}
        assert s.call('POST', roles, more)[0] == 201
        soon(lambda: joe('/api/v1/namespaces/default/secrets') == 200)
        managers = [m['manager'] for m in s.call('GET', roles + '/view')[1]['metadata']['managedFields']]
        assert managers == ['clusterrole-aggregation-controller', 'kube-apiserver'], managers
        s.call('DELETE', roles + '/more')
        soon(lambda: joe('/api/v1/namespaces/default/secrets') == 403)


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
