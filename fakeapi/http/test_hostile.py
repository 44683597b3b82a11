#!/usr/bin/env python3
"""`dormouse serve` and what hostile clients put on the wire: refused in the words of kube-apiserver 1.34.2, and nobody else
hears of it.

usage: test_hostile.py DORMOUSE     Prints TAP. Python standard library only.
"""
import json, os, random, socket, ssl, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../fixtures/clients'))
from peer import Server, Tap

DORMOUSE = sys.argv[1]
MAPS = '/api/v1/namespaces/default/configmaps'
HOST = b'Host: x\r\n'
GET = b'GET /version HTTP/1.1\r\n' + HOST
POST = b'POST %s HTTP/1.1\r\n' % MAPS.encode() + HOST + b'Content-Type: application/json\r\n'
MIB = 1 << 20
tap = Tap()


def connect(server):
    scheme, address = server.url.split('://')
    s = socket.create_connection(address.split(':'), timeout=5)
    return ssl._create_unverified_context().wrap_socket(s) if scheme == 'https' else s


def read_all(s):
    """What comes until the end; an end by reset is one."""
    got = b''
    try:
        while True:
            data = s.recv(65536)
            if not data:
                break
            got += data
    except (ConnectionError, ssl.SSLError):
        pass
    return got


def last_words(server, sent):
    """What a server says that then ends the connection."""
    with connect(server) as s:
        try:
            s.sendall(sent)
        except (ConnectionError, ssl.SSLError):
            pass
        return read_all(s)


def reply(s, buffered=b''):
    """One reply with a length: status, body, and what came behind it."""
    while b'\r\n\r\n' not in buffered:
        data = s.recv(65536)
        assert data, buffered
        buffered += data
    head, rest = buffered.split(b'\r\n\r\n', 1)
    length = int([line for line in head.split(b'\r\n') if line.lower().startswith(b'content-length:')][0].split(b':')[1])
    while len(rest) < length:
        data = s.recv(65536)
        assert data, 'the reply ends early'
        rest += data
    return int(head.split()[1]), rest[:length], rest[length:]


def ask(server, method, path, body=b''):
    with connect(server) as s:
        s.sendall(b'%s %s HTTP/1.1\r\n' % (method.encode(), path.encode()) + HOST +
                  b'Content-Type: application/json\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
        return reply(s)[:2]


def make(server, name):
    return ask(server, 'POST', MAPS, json.dumps({'metadata': {'name': name}}).encode())[0]


def names(server):
    return sorted(o['metadata']['name'] for o in json.loads(ask(server, 'GET', MAPS)[1])['items'])


def open_files(server):
    return len(os.listdir('/proc/%d/fd' % server.process.pid))


def settles(what, seconds=5):
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.005)
    return what()


# ---- what is refused --------------------------------------------------------------------------------


def refused_in_go_s_words(server, how):
    """K-005, K-050, K-054"""
    plain = b'400 Bad Request'
    rows = [
        (b'no host', b'GET /version HTTP/1.1\r\n\r\n', 400, b'400 Bad Request: missing required Host header'),
        (b'two hosts', GET + b'Host: y\r\n\r\n', 400, plain),
        (b'an odd host', b'GET /version HTTP/1.1\r\nHost: a b\r\n\r\n', 400, b'400 Bad Request: malformed Host header'),
        (b'a NUL in the path', b'GET /version\0x HTTP/1.1\r\n' + HOST + b'\r\n', 400, plain),
        (b'a bare CR in the path', b'GET /version\rx HTTP/1.1\r\n' + HOST + b'\r\n', 400, plain),
        (b'a bare CR in a header', GET + b'Audit-ID: a\rX-Evil: b\r\n\r\n', 400, plain),
        (b'a control character', GET + b'Audit-ID: a\x01\r\n\r\n', 400, plain),
        (b'a space in the path', b'GET /ver sion HTTP/1.1\r\n' + HOST + b'\r\n', 400, plain),
        (b'no path', b'GET version HTTP/1.1\r\n' + HOST + b'\r\n', 400, plain),
        (b'an odd method', b'G@T /version HTTP/1.1\r\n' + HOST + b'\r\n', 400, plain),
        (b'an odd name', GET + b'A B: c\r\n\r\n', 400, b'400 Bad Request: invalid header name'),
        (b'a name before its colon', GET + b'A : c\r\n\r\n', 400, b'400 Bad Request: invalid header name'),
        (b'another coding', POST + b'Transfer-Encoding: gzip\r\n\r\n{}', 501, b'Unsupported transfer encoding'),
        (b'two codings', POST + b'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501, b'Unsupported transfer encoding'),
        (b'two lengths', POST + b'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}', 400, plain),
        (b'an odd expectation', POST + b'Expect: tea\r\nContent-Length: 2\r\n\r\n{}', 417, b''),
    ]
    for what, sent, status, words in rows:
        said = last_words(server, sent)
        head, _, body = said.partition(b'\r\n\r\n')
        tap.ok(head.startswith(b'HTTP/1.1 %d ' % status) and body == words and b'\r\nConnection: close' in head,
               '%s: %s is refused' % (how, what.decode()), said)


def refused_by_the_library(server):
    """What is not even read, of which a page speaks that is not Go's (K-005)."""
    rows = [('an unknown version', b'GET /version HTTP/9.9\r\n' + HOST + b'\r\n', b'505'),
            ('no version', b'GET /version\r\n\r\n', b'400'), ('no colon', GET + b'nonsense\r\n\r\n', b'400'),
            ('a length of letters', POST + b'Content-Length: abc\r\n\r\n{}', b'400'),
            ('a length below zero', POST + b'Content-Length: -1\r\n\r\n{}', b'400'),
            ('a length beyond numbers', POST + b'Content-Length: 99999999999999999999\r\n\r\n{}', b'413'),
            ('a chunk of no size', POST + b'Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n', b'400'),
            ('a chunk beyond numbers', POST + b'Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}', b'413'),
            ('a header beyond a mebibyte', GET + b'A: ' + b'x' * (MIB + 100000) + b'\r\n\r\n', b'431'),
            ('headers beyond a mebibyte', GET + b'A: b\r\n' * 200000 + b'\r\n', b'431'),
            ('a path beyond a mebibyte', b'GET /' + b'x' * (MIB + 100000) + b' HTTP/1.1\r\n' + HOST + b'\r\n', b'414')]
    for what, sent, status in rows:
        said = last_words(server, sent)
        tap.ok(said[9:12] == status or (said == b'' and len(sent) > MIB), '%s is refused' % what, said[:200])
    tap.ok(last_words(server, b'GET\r\n\r\n') == b'', 'a word is no request')
    tap.ok(ask(server, 'GET', '/livez') == (200, b'ok'), 'and the server lives')


# ---- one request in another -------------------------------------------------------------------------


def nothing_is_smuggled(server):
    """A body is nobody's next request, whatever its lengths say."""
    make(server, 'kept')
    evil = b'DELETE %s/kept HTTP/1.1\r\n' % MAPS.encode() + HOST + b'\r\n'
    last_words(server, POST + b'Content-Length: %d\r\nContent-Length: 0\r\n\r\n' % len(evil) + evil)
    last_words(server, POST + b'Content-Length: 0\r\ncontent-length: %d\r\n\r\n' % len(evil) + evil)
    last_words(server, POST + b'Transfer-Encoding: identity\r\nContent-Length: %d\r\n\r\n' % len(evil) + evil)
    last_words(server, b'GET /version HTTP/1.1\r\nHost: x\r\nX: a\r\n b\0\r\n\r\n' + b'\0' + evil)
    with connect(server) as s:
        s.sendall(POST + b'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n' % (len(evil), evil) + GET +
                  b'\r\n')
        first, _, rest = reply(s)
        second, version, rest = reply(s, rest)
    tap.ok((first, second, rest) == (400, 200, b'') and b'gitVersion' in version, 'chunks go before a length', first, second)
    tap.ok(names(server) == ['kept'], 'no body is a request', names(server))


def bodies_that_lie(server):
    body = b'{"metadata":{"name":"lie"}}'
    with connect(server) as s:
        s.sendall(POST + b'Content-Length: %d\r\n\r\n' % (len(body) + 9) + body)
        s.shutdown(socket.SHUT_WR)
        said = read_all(s)
    tap.ok(b' 201 ' not in said, 'half a body makes nothing', said)
    with connect(server) as s:
        s.sendall(POST + b'Content-Length: %d\r\n\r\n' % (len(body) - 1) + body)
        status, text, _ = reply(s)
    tap.ok(status == 400 and b'unexpected end of JSON input' in text, 'nor does a body cut short', status, text)
    for i in range(200):                # gone amid a body, or a head
        with connect(server) as s:
            s.sendall((POST + b'Content-Length: 999999\r\n\r\n' + body)[:random.randrange(250)])
    tap.ok('lie' not in names(server), 'nothing is made of halves')


# ---- many and slow ----------------------------------------------------------------------------------


def thousands_in_one_breath(server):
    n = 3000
    with connect(server) as s:
        s.setblocking(True)
        sent = (b'GET %s/kept HTTP/1.1\r\n' % MAPS.encode() + HOST + b'\r\n' + b'GET /nope HTTP/1.1\r\n' + HOST + b'\r\n') * (n // 2)
        statuses, rest = [], b''
        for at in range(0, len(sent), 30000):
            s.sendall(sent[at:at + 30000])
        for _ in range(n):
            status, _, rest = reply(s, rest)
            statuses.append(status)
    tap.ok(statuses == [200, 404] * (n // 2) and rest == b'', 'all of %d pipelined requests are answered in order' % n)


def a_client_that_has_said_all(server):
    with connect(server) as s:
        s.sendall(GET + b'\r\n')
        s.shutdown(socket.SHUT_WR)
        said = read_all(s)
    tap.ok(b' 200 ' in said and said.rstrip().endswith(b'}'), 'who shuts his side is still answered', said[:100])


def connections_come_and_go(server):
    before = open_files(server)
    for i in range(600):
        s = connect(server)
        if i % 3:
            s.sendall((GET + b'\r\n')[:i % 60])
        s.close()
    tap.ok(settles(lambda: open_files(server) <= before), 'connections that come and go are forgotten', open_files(server), before)


def noise(server):
    """Requests with bytes changed: each is answered or its connection ended, and none harms another."""
    rng, base = random.Random(1), [GET + b'\r\n', POST + b'Content-Length: 2\r\n\r\n{}',
                                   POST + b'Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n']
    for i in range(400):
        sent = bytearray(rng.choice(base))
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(sent))
            sent[at:at + rng.randrange(3)] = bytes(rng.choice(b'\0\r\n\t :/%\x7f\xff09aZ') for _ in range(rng.randrange(3)))
        with connect(server) as s:
            s.sendall(sent)
    tap.ok(ask(server, 'GET', '/livez') == (200, b'ok') and server.process.poll() is None, 'noise is survived')


# ---- work -------------------------------------------------------------------------------------------


def headers_beyond_utf8(server):
    """K-026: bytes that are no UTF-8 in a header are kept, and written as U+FFFD."""
    body = b'{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
    with connect(server) as s:
        s.sendall(b'POST /apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1\r\n' + HOST + b'Content-Type: application/json\r\n'
                  b'User-Agent: \xff\r\nImpersonate-User: u\xff\r\nImpersonate-Group: g\xff\r\nImpersonate-Extra-A: e\xff\r\n'
                  b'Content-Length: %d\r\n\r\n' % len(body) + body)
        status, text = reply(s)[:2]
    info = json.loads(text).get('status', {}).get('userInfo')
    tap.ok(status == 201 and info == {'username': 'u\ufffd', 'groups': ['g\ufffd', 'system:authenticated'], 'extra': {'a': ['e\ufffd']}},
           'headers beyond UTF-8', status, text)
    with connect(server) as s:
        s.sendall(GET + b'Impersonate-Extra-A: \xff\r\n\r\n')
        status, text = reply(s)[:2]
    tap.ok(status == 500 and b'without impersonating a user' in text, 'and of a user that is not named', status, text)


def patterns_made_to_explode(server):
    """K-008: a pattern costs what the text weighs, whatever it is."""
    schema = {'type': 'object', 'properties': {'a': {'type': 'string', 'pattern': '^(a+)+(a|aa)*$'}}}
    definition = {'metadata': {'name': 'ps.x.io'}, 'spec': {'group': 'x.io', 'scope': 'Namespaced', 'names': {'plural': 'ps', 'kind': 'P'},
                  'versions': [{'name': 'v1', 'served': True, 'storage': True, 'schema': {'openAPIV3Schema': schema}}]}}
    ask(server, 'POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', json.dumps(definition).encode())
    path = '/apis/x.io/v1/namespaces/default/ps'
    settles(lambda: ask(server, 'GET', path)[0] == 200)
    start = time.monotonic()
    status, text = ask(server, 'POST', path, json.dumps({'apiVersion': 'x.io/v1', 'kind': 'P', 'metadata': {'name': 'p'},
                                                         'a': 'a' * 500000 + '!'}).encode())
    tap.ok(status == 422 and b'should match' in text and time.monotonic() - start < 2, 'a pattern made to explode does not',
           status, text[-300:], time.monotonic() - start)


def requests_in_flight():
    """K-007, from the command line; the clock stands still, so that who waits does."""
    with Server(DORMOUSE, '--time', 'virtual', '--max-requests-inflight', '1') as server, connect(server) as waiting:
        waiting.sendall(b'GET %s?resourceVersion=99999999 HTTP/1.1\r\n' % MAPS.encode() + HOST + b'\r\n')
        settles(lambda: ask(server, 'GET', MAPS)[0] == 429)
        with connect(server) as s:
            s.sendall(GET + b'\r\n')
            head = s.recv(65536)
        tap.ok(b' 429 ' in head and b'\r\nRetry-After: 1\r\n' in head and
               head.endswith(b'\r\n\r\nToo many requests, please try again later.\n'), 'one more than may be is too many', head)
        tap.ok(make(server, 'a') == 201, 'those that write are counted apart')
        server.process.kill()           # who waits would be waited for


def main():
    with Server(DORMOUSE) as server:
        refused_in_go_s_words(server, 'plain')
        refused_by_the_library(server)
        nothing_is_smuggled(server)
        bodies_that_lie(server)
        thousands_in_one_breath(server)
        a_client_that_has_said_all(server)
        connections_come_and_go(server)
        noise(server)
        headers_beyond_utf8(server)
        patterns_made_to_explode(server)
    with Server(DORMOUSE, '--tls') as server:
        refused_in_go_s_words(server, 'TLS')
    requests_in_flight()
    tap.end()


main()
