#!/usr/bin/env python3
"""Watches over websockets, from raw sockets (C-084; RFC 6455).

usage: test_websocket.py DORMOUSE     Prints TAP. Python standard library only.
"""
import base64, hashlib, json, os, socket, ssl, struct, sys, time, urllib.parse, urllib.request
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../fixtures/clients'))
import tap
from peer import Server

DORMOUSE = sys.argv[1]
MAPS = '/api/v1/namespaces/default/configmaps'
KEY = 'dGhlIHNhbXBsZSBub25jZQ=='


def make(server, name):
    body = json.dumps({'metadata': {'name': name}}).encode()
    request = urllib.request.Request(server.url + MAPS, body, {'Content-Type': 'application/json'})
    context = ssl._create_unverified_context() if server.url.startswith('https') else None
    urllib.request.urlopen(request, timeout=10, context=context).read()


class Client:
    """One connection. `answer` is what came before the frames: status line and headers."""

    def __init__(self, server, query='watch=1&resourceVersion=0', **headers):
        at = urllib.parse.urlparse(server.url)
        self.socket = socket.create_connection((at.hostname, at.port), timeout=10)
        if at.scheme == 'https':
            self.socket = ssl._create_unverified_context().wrap_socket(self.socket)
        asked = {'Host': 'x', 'Upgrade': 'websocket', 'Connection': 'keep-alive, Upgrade', 'Origin': 'http://x',
                 'Sec-WebSocket-Key': KEY, 'Sec-WebSocket-Version': '13'}
        asked.update({k.replace('_', '-'): v for k, v in headers.items()})
        lines = ['GET %s?%s HTTP/1.1' % (MAPS, query)] + ['%s: %s' % h for h in asked.items() if h[1] is not None]
        self.socket.sendall(('\r\n'.join(lines) + '\r\n\r\n').encode())
        self.data = b''
        while b'\r\n\r\n' not in self.data:
            self.more()
        self.answer, self.data = self.data.split(b'\r\n\r\n', 1)
        self.status = int(self.answer.split()[1])

    def more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError(self.data)
        self.data += piece

    def take(self, n):
        while len(self.data) < n:
            self.more()
        piece, self.data = self.data[:n], self.data[n:]
        return piece

    def frame(self):
        """(opcode, payload)"""
        first, length = self.take(2)
        assert first & 0x80 and length < 128, (first, length)
        if length > 125:
            length = int.from_bytes(self.take(2 if length == 126 else 8), 'big')
        return first & 15, self.take(length)

    def send(self, opcode, payload=b'', masked=True, pieces=1, first=0x80):
        head = bytes([first | opcode])
        size = len(payload)
        mark = 0x80 if masked else 0
        head += bytes([mark | size]) if size < 126 else bytes([mark | 127]) + struct.pack('>Q', size)
        if masked:
            mask = b'\x01\x02\x03\x04'
            head += mask
            payload = bytes(b ^ mask[i & 3] for i, b in enumerate(payload))
        data = head + payload
        step = -(-len(data) // pieces)
        for i in range(0, len(data), step):
            self.socket.sendall(data[i:i + step])
            if pieces > 1:
                time.sleep(0.002)

    def ended(self):
        try:
            self.more()
        except (EOFError, ConnectionError):
            return True
        return False


def events_are_messages():
    with Server(DORMOUSE) as s:
        c = Client(s)
        accept = base64.b64encode(hashlib.sha1((KEY + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest())
        assert c.status == 101 and b'Sec-WebSocket-Accept: ' + accept in c.answer, c.answer
        make(s, 'a')
        opcode, text = c.frame()
        event = json.loads(text)
        assert opcode == 1 and event['type'] == 'ADDED' and event['object']['metadata']['name'] == 'a', (opcode, text)
        big = Client(s, 'watch=1&resourceVersion=0&labelSelector=a', Sec_WebSocket_Protocol='base64.binary.k8s.io')
        assert b'Sec-WebSocket-Protocol: base64.binary.k8s.io' in big.answer, big.answer


def protobuf_is_binary():
    with Server(DORMOUSE) as s:
        make(s, 'a')
        c = Client(s, Accept='application/vnd.kubernetes.protobuf')
        opcode, data = c.frame()
        assert opcode == 2 and data.startswith(b'\n\x05ADDED\x12') and b'k8s\0' in data, (opcode, data)


def what_a_client_says():
    with Server(DORMOUSE) as s:
        c = Client(s)
        c.send(9, b'are you there', pieces=7)
        assert c.frame() == (10, b'are you there')
        c.send(1, b'x' * 100000, pieces=3)           # read and forgotten
        c.send(9)
        assert c.frame() == (10, b'')
        c.send(10, b'nobody asked')
        c.send(8, b'\x03\xe8')
        assert c.frame() == (8, b'\x03\xe8') and c.ended()


def what_no_client_says():
    for opcode, options in ((9, dict(masked=False)), (9, dict(payload=b'x' * 126)), (9, dict(first=0)), (1, dict(first=0xc0))):
        with Server(DORMOUSE) as s:
            c = Client(s)
            c.send(opcode, **options)
            assert c.frame() == (8, b'\x03\xea') and c.ended(), options


def an_end_is_said():
    with Server(DORMOUSE) as s:
        c = Client(s, 'watch=1&timeoutSeconds=1')
        assert c.frame() == (8, b'\x03\xe8') and c.ended()
        stopped = Client(s)
    assert stopped.frame() == (8, b'\x03\xe9') and stopped.ended() and s.status == 0, s.status


def who_pings_and_does_not_read_costs_no_memory():
    with Server(DORMOUSE) as s:
        c = Client(s)
        ping = b'\x89\xfd\0\0\0\0' + b'x' * 125
        c.socket.settimeout(0.5)
        before = memory(s)
        try:
            for _ in range(200):
                c.socket.sendall(ping * 500)
        except (TimeoutError, ssl.SSLWantWriteError):
            pass
        make(s, 'others-are-served')
        assert memory(s) - before < 2000, (before, memory(s))


def memory(server):
    with open('/proc/%d/status' % server.process.pid) as f:
        return int(next(line for line in f if line.startswith('VmRSS')).split()[1])


def over_tls():
    with Server(DORMOUSE, '--tls') as s:
        c = Client(s)
        assert c.status == 101, c.answer
        make(s, 'a')
        assert json.loads(c.frame()[1])['type'] == 'ADDED'
        c.send(9, b'x')
        assert c.frame() == (10, b'x')
        c.send(8)
        assert c.frame()[0] == 8


def handshakes_that_are_none():
    with Server(DORMOUSE) as s:
        for status, headers in ((403, dict(Origin=None)), (400, dict(Sec_WebSocket_Key=None)),
                                (400, dict(Sec_WebSocket_Version='8')), (400, dict(Sec_WebSocket_Protocol='a, b')),
                                (200, dict(Upgrade=None)), (200, dict(Connection='close'))):
            c = Client(s, 'watch=1&timeoutSeconds=1', **headers)
            assert c.status == status, (headers, c.answer)
        assert b'Sec-WebSocket-Version: 13' in Client(s, Sec_WebSocket_Version='8').answer
        assert Client(s, 'watch=1&labelSelector=!!').status == 400    # a refusal is a reply as ever


if __name__ == '__main__':
    tap.run([events_are_messages, protobuf_is_binary, what_a_client_says, what_no_client_says, an_end_is_said,
             who_pings_and_does_not_read_costs_no_memory, over_tls, handshakes_that_are_none])
