#!/usr/bin/env python3
"""Webhooks beside `dormouse serve`, over real HTTPS: a server of Python's, a certificate of dormouse's.

usage: test_webhooks.py DORMOUSE     Prints TAP. Python standard library only; kubectl where there is one.
"""
import base64
import http.client
import http.server
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading

DORMOUSE = sys.argv[1]
CASES = []
CONFIGS = '/apis/admissionregistration.k8s.io/v1/%swebhookconfigurations'
MAPS = '/api/v1/namespaces/default/configmaps'
DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'


def case(f):
    CASES.append(f)
    return f


class Hook(http.server.BaseHTTPRequestHandler):
    """Answers by its path: /allow, /deny, /label, /hang, /convert."""
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        self.server.seen.append((self.path, review))
        path = self.path.split('?')[0]
        if path == '/hang':
            self.server.stop.wait(20)
            self.close_connection = True
            return
        response = self.convert(review['request']) if path == '/convert' else self.admit(path, review['request'])
        response['uid'] = review['request']['uid']
        body = json.dumps({'apiVersion': review['apiVersion'], 'kind': review['kind'], 'response': response}).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def admit(self, path, request):
        if path == '/deny':
            return {'allowed': False, 'status': {'code': 403, 'reason': 'Forbidden', 'message': 'not here'},
                    'warnings': ['think again']}
        if path == '/label':
            ops = [{'op': 'add', 'path': '/metadata/labels', 'value': {'by': 'webhook'}}]
            return {'allowed': True, 'patchType': 'JSONPatch', 'patch': base64.b64encode(json.dumps(ops).encode()).decode()}
        return {'allowed': True}

    def convert(self, request):
        out = []
        for o in request['objects']:
            o['apiVersion'] = request['desiredAPIVersion']
            names = ('size', 'width') if o['apiVersion'].endswith('v2') else ('width', 'size')
            if names[0] in o['spec']:
                o['spec'][names[1]] = o['spec'].pop(names[0])
            out.append(o)
        return {'convertedObjects': out, 'result': {'status': 'Success'}}


class HookServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder):
        super().__init__(('127.0.0.1', 0), Hook)
        self.seen, self.stop = [], threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(folder, 'apiserver.crt'), os.path.join(folder, 'apiserver.key'))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        with open(os.path.join(folder, 'ca.crt'), 'rb') as f:
            self.ca = base64.b64encode(f.read()).decode()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *args):
        pass

    def config(self, path, host='127.0.0.1'):
        return {'url': 'https://%s:%d%s' % (host, self.server_address[1], path), 'caBundle': self.ca}


class Server:
    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        self.p = subprocess.Popen([DORMOUSE, 'serve', *self.options], stdout=subprocess.PIPE, text=True)
        line = self.p.stdout.readline()
        assert line.startswith('listening on '), line
        self.url = line.split()[2]
        return self

    def __exit__(self, *error):
        self.p.terminate()
        self.p.wait(10)
        self.p.stdout.close()

    def connect(self):
        host, port = self.url[len('http://'):].rsplit(':', 1)
        return http.client.HTTPConnection(host, int(port), timeout=20)

    def call(self, method, path, body=None, kind='application/json', want=None):
        c = self.connect()
        c.request(method, path, None if body is None else json.dumps(body), {'Content-Type': kind})
        r = c.getresponse()
        data = json.loads(r.read())
        c.close()
        assert want is None or r.status == want, (r.status, data)
        return r.status, data, r.headers

    def configure(self, kind, client, **more):
        hook = {'name': 'a.b.example', 'clientConfig': client, 'sideEffects': 'None', 'admissionReviewVersions': ['v1'],
                'rules': [{'operations': ['*'], 'apiGroups': [''], 'apiVersions': ['v1'], 'resources': ['configmaps']}]}
        hook.update(more)
        self.call('DELETE', CONFIGS % 'mutating', want=200)
        self.call('DELETE', CONFIGS % 'validating', want=200)
        self.call('POST', CONFIGS % kind.lower(), {
            'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': kind + 'WebhookConfiguration',
            'metadata': {'name': 'w'}, 'webhooks': [hook]}, want=201)


def config_map(name):
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name}}


@case
def mutates_and_validates(server, hook):
    """I-001, I-020 to I-025: a patch arrives, a denial is passed on with its code and its warnings."""
    server.configure('Mutating', hook.config('/label'))
    status, made, _ = server.call('POST', MAPS, config_map('a'), want=201)
    assert made['metadata']['labels'] == {'by': 'webhook'}, made
    path, review = hook.seen[-1]
    assert path == '/label?timeout=10s' and review['request']['operation'] == 'CREATE', hook.seen[-1]
    server.configure('Validating', hook.config('/deny'))
    status, said, headers = server.call('POST', MAPS, config_map('b'))
    assert (status, said['reason']) == (403, 'Forbidden'), said
    assert said['message'] == 'admission webhook "a.b.example" denied the request: not here', said
    assert headers['Warning'] == '299 - "think again"', headers['Warning']
    assert server.call('GET', MAPS + '/b')[0] == 404


@case
def says_why_it_could_not_ask(server, hook):
    """I-026 to I-028: trust, names, refusal, time, each in its own words."""
    port = hook.server_address[1]
    rows = [
        ({'url': hook.config('/allow')['url']},
         'tls: failed to verify certificate: x509: certificate signed by unknown authority'),
        ({'url': 'https://127.0.0.1:1/x', 'caBundle': hook.ca}, 'dial tcp 127.0.0.1:1: connect: connection refused'),
        (hook.config('/hang'), 'context deadline exceeded'),
        ({'service': {'namespace': 'hooks', 'name': 'absent'}, 'caBundle': hook.ca}, 'service "absent" not found'),
        ({'service': {'namespace': 'hooks', 'name': 'stray'}, 'caBundle': hook.ca},
         'x509: certificate is valid for '),
    ]
    for client, words in rows:
        server.configure('Validating', client, timeoutSeconds=1)
        status, said, _ = server.call('POST', MAPS, config_map('c'))
        begin = 'Internal error occurred: failed calling webhook "a.b.example": failed to call webhook: Post "https://'
        assert status == 500 and said['message'].startswith(begin) and words in said['message'], said['message']
    server.configure('Validating', {'url': 'https://127.0.0.1:1/x'}, failurePolicy='Ignore')
    server.call('POST', MAPS, config_map('c'), want=201)
    assert port


@case
def finds_services(server, hook):
    """I-028: where --webhook-service says, or under its external name."""
    server.configure('Validating', {'service': {'namespace': 'hooks', 'name': 'hook', 'path': '/deny'}, 'caBundle': hook.ca})
    status, said, _ = server.call('POST', MAPS, config_map('d'))
    assert status == 403, said
    server.call('POST', '/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'hooks'}}, want=201)
    server.call('POST', '/api/v1/namespaces/hooks/services', {
        'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': 'real'},
        'spec': {'type': 'ExternalName', 'externalName': 'localhost'}}, want=201)
    server.configure('Validating', {'service': {
        'namespace': 'hooks', 'name': 'real', 'path': '/deny', 'port': hook.server_address[1]}, 'caBundle': hook.ca})
    status, said, _ = server.call('POST', MAPS, config_map('d'))
    assert status == 403, said


@case
def a_client_that_goes_away_leaves_nothing_behind(server, hook):
    """The request outlives its connection; the server goes on."""
    server.configure('Validating', hook.config('/hang'), timeoutSeconds=1)
    c = server.connect()
    c.request('POST', MAPS, json.dumps(config_map('e')), {'Content-Type': 'application/json'})
    c.sock.close()
    server.configure('Validating', hook.config('/allow'))
    server.call('POST', MAPS, config_map('f'), want=201)


def version(name, storage, field):
    return {'name': name, 'served': True, 'storage': storage, 'schema': {'openAPIV3Schema': {
        'type': 'object', 'properties': {'spec': {'type': 'object', 'properties': {field: {'type': 'integer'}}}}}}}


@case
def converts(server, hook):
    """F-062 to F-070: written, read, listed and watched in both versions; a definition that is patched counts at once."""
    definition = {
        'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': 'ws.example.com'},
        'spec': {'group': 'example.com', 'scope': 'Namespaced', 'names': {'plural': 'ws', 'kind': 'W'},
                 'versions': [version('v1', True, 'size'), version('v2', False, 'width')],
                 'conversion': {'strategy': 'Webhook', 'webhook': {
                     'conversionReviewVersions': ['v1'], 'clientConfig': {'url': 'https://127.0.0.1:1/convert'}}}}}
    server.call('POST', DEFINITIONS, definition, want=201)
    one, two = ('/apis/example.com/%s/namespaces/default/ws' % v for v in ('v1', 'v2'))
    for _ in range(100):
        if server.call('GET', one)[0] == 200:
            break
    server.call('POST', one, {'apiVersion': 'example.com/v1', 'kind': 'W', 'metadata': {'name': 'a'}, 'spec': {'size': 1}},
                want=201)
    status, said, _ = server.call('GET', two + '/a')
    assert said['message'] == ('conversion webhook for example.com/v1, Kind=W failed: Post "https://127.0.0.1:1/convert?'
                               'timeout=30s": dial tcp 127.0.0.1:1: connect: connection refused'), said
    server.call('PATCH', DEFINITIONS + '/ws.example.com', {'spec': {'conversion': {'webhook': {
        'clientConfig': hook.config('/convert')}}}}, 'application/merge-patch+json', want=200)
    made = server.call('POST', two, {'apiVersion': 'example.com/v2', 'kind': 'W', 'metadata': {'name': 'b'},
                                     'spec': {'width': 2}}, want=201)[1]
    assert made['spec'] == {'width': 2}, made
    assert server.call('GET', one + '/b')[1]['spec'] == {'size': 2}
    listed = server.call('GET', two, want=200)[1]['items']
    assert [i['spec'] for i in listed] == [{'width': 1}, {'width': 2}], listed
    c = server.connect()
    c.request('GET', two + '?watch=1')
    stream = c.getresponse()
    server.call('PATCH', one + '/a', {'spec': {'size': 5}}, 'application/merge-patch+json', want=200)
    frames = [json.loads(stream.readline()) for _ in range(3)]
    c.close()
    seen = [(f['type'], f['object']['apiVersion'], f['object']['spec']) for f in frames]
    assert seen == [('ADDED', 'example.com/v2', {'width': 1}), ('ADDED', 'example.com/v2', {'width': 2}),
                    ('MODIFIED', 'example.com/v2', {'width': 5})], seen
    if shutil.which('kubectl'):
        for v, field in (('v1', 'size'), ('v2', 'width')):
            text = subprocess.run(['kubectl', '-s', server.url, 'get', 'ws.%s.example.com' % v, 'a', '-o',
                                   'jsonpath={.spec.%s}' % field], capture_output=True, text=True, timeout=30)
            assert text.stdout == '5', text


def main():
    with tempfile.TemporaryDirectory() as folder:
        # Its certificate becomes the webhook's, for the names that the webhooks of these tests have.
        with Server('--tls', '--cert-dir', folder, '--tls-host', 'hook.hooks.svc', '--tls-host', 'real.hooks.svc'):
            pass
        hook = HookServer(folder)
        place = '127.0.0.1:%d' % hook.server_address[1]
        print('1..%d' % len(CASES), flush=True)
        failed = False
        for n, f in enumerate(CASES, 1):
            try:
                with Server('--webhook-service', 'hooks/hook=' + place, '--webhook-service',
                            'hooks/stray:443=' + place) as server:
                    f(server, hook)
                print('ok %d - %s' % (n, f.__name__), flush=True)
            except Exception as e:
                failed = True
                print('not ok %d - %s\n# %s: %s' % (n, f.__name__, type(e).__name__, e), flush=True)
        hook.stop.set()
        hook.shutdown()
    return failed


if __name__ == '__main__':
    sys.exit(main())
