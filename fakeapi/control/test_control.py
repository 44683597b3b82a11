#!/usr/bin/env python3
"""The control API of `dormouse serve` from outside: clock, trace, faults, snapshots, compaction.

usage: test_control.py DORMOUSE     Prints TAP. Python standard library only.
"""
import datetime, http.client, json, os, sys, tempfile, time, urllib.parse
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../fixtures/clients'))
import tap
from peer import Server

DORMOUSE = sys.argv[1]
MAPS = '/api/v1/namespaces/default/configmaps'
LAB = '/dormouse/v1/'
DEFINITION = {
    'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': 'toys.x.io'},
    'spec': {'group': 'x.io', 'scope': 'Namespaced', 'names': {'plural': 'toys', 'kind': 'Toy'}, 'versions': [{
        'name': 'v1', 'served': True, 'storage': True, 'schema': {'openAPIV3Schema': {
            'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}}}]}}


def since(a, b):
    """Seconds between two times."""
    a, b = (datetime.datetime.strptime(t[:19], '%Y-%m-%dT%H:%M:%S') for t in (a, b))
    return (b - a).total_seconds()


class Lab(Server):
    def __init__(self, *options):
        super().__init__(DORMOUSE, *options)
        at = urllib.parse.urlparse(self.url)
        self.address = at.hostname, at.port

    def call(self, method, path, body=None, agent='test'):
        """(status, body); status None where the connection was closed without an answer."""
        c = http.client.HTTPConnection(*self.address, timeout=10)
        try:
            c.request(method, path, None if body is None else json.dumps(body),
                      {'Content-Type': 'application/json', 'User-Agent': agent})
            r = c.getresponse()
            text = r.read()
            return r.status, json.loads(text) if text[:1] == b'{' else text.decode()
        except http.client.RemoteDisconnected:
            return None, None
        finally:
            c.close()

    def ok(self, method, path, body=None):
        status, answer = self.call(method, path, body)
        assert status in (200, 201), (method, path, status, answer)
        return answer

    def lab(self, method, path, body=None):
        return self.ok(method, LAB + path, body)

    def refused(self, code, words, method, path, body=None):
        status, answer = self.call(method, LAB + path, body)
        assert status == code and answer['kind'] == 'Status' and words in answer['message'], (status, answer)

    def make(self, name, data=None):
        return self.ok('POST', MAPS, {'metadata': {'name': name}, 'data': data or {}})

    def names(self):
        return [m['metadata']['name'] for m in self.ok('GET', MAPS)['items']]


def it_says_what_there_is_and_what_is_wrong():
    with Lab() as s:
        doors = {(d['method'], d['path']) for d in s.lab('GET', '')['items']}
        assert ('POST', LAB + 'clock/advance') in doors and ('GET', LAB + 'trace') in doors, doors
        s.refused(404, 'there is no /dormouse/v1/nosuch here', 'GET', 'nosuch')
        s.refused(404, 'there is no', 'GET', 'clock/nosuch')
        s.refused(405, '/dormouse/v1/trace takes GET, not POST', 'POST', 'trace')
        s.refused(400, 'unknown field "when"', 'POST', 'compact', {'when': 'now'})
        s.refused(400, 'the body must be a JSON object', 'POST', 'compact', [])
        c = http.client.HTTPConnection(*s.address)
        c.request('POST', LAB + 'compact', b'{"a":', {'Content-Type': 'application/json'})
        assert b'the body is no JSON' in c.getresponse().read()
        c.close()


def who_may_not_ask_the_server_may_not_ask_here():
    with tempfile.NamedTemporaryFile('w', suffix='.csv') as tokens:
        tokens.write('root,root,1,"system:masters"\njoe,joe,2\n')
        tokens.flush()
        with Lab('--authorization=RBAC', '--token-auth-file', tokens.name) as s:
            codes = {}
            for who in ('root', 'joe', 'nobody', None):
                c = http.client.HTTPConnection(*s.address)
                c.request('POST', LAB + 'compact', headers={'Authorization': 'Bearer ' + who} if who else {})
                codes[who] = c.getresponse().status
                c.close()
            assert codes == {'root': 200, 'joe': 403, 'nobody': 401, None: 403}, codes


# ---- the clock -------------------------------------------------------------------------------------


def a_virtual_clock_stands_still_and_goes_where_it_is_told():
    with Lab('--time=virtual') as s:
        first = s.make('a')['metadata']['creationTimestamp']
        now = s.lab('GET', 'clock')
        assert now['time'] == 'virtual' and not now['running'] and now['now'][:19] + 'Z' == first, now
        time.sleep(0.02)
        assert s.lab('GET', 'clock')['now'] == now['now']
        s.lab('POST', 'clock/advance', {'by': '24h30m1s500ms'})
        s.lab('POST', 'clock/advance', {'by': '0s'})
        far = {'to': '2099-12-31T23:00:00+01:00'}
        s.refused(400, 'more than 31 days: say "jump": true', 'POST', 'clock/advance', far)
        assert s.lab('POST', 'clock/advance', dict(far, jump=True))['now'] == '2099-12-31T22:00:00.000000Z'
        assert s.make('b')['metadata']['creationTimestamp'] == '2099-12-31T22:00:00Z'
        s.refused(400, 'is past, and time does not go back', 'POST', 'clock/advance', {'to': '2099-12-31T21:59:59Z'})
        for body in ({}, {'by': '1s', 'to': '2100-01-01T00:00:00Z'}):
            s.refused(400, 'by how much, or to which time', 'POST', 'clock/advance', body)
        assert s.lab('POST', 'clock/advance', {'by': '1.5s'})['now'] == '2099-12-31T22:00:01.500000Z'
        for by in ('', 's', '5', '-1s', '99999999999999999999h', '900000h 1s', '900000h'):
            s.refused(400, 'is no duration', 'POST', 'clock/advance', {'by': by})
        s.refused(400, 'is no time', 'POST', 'clock/advance', {'to': 'tomorrow'})
        s.refused(400, 'by must be a string', 'POST', 'clock/advance', {'by': 5})


def what_is_under_way_can_be_asked__C_113():
    with Lab('--time=virtual') as s:
        quiet = s.lab('GET', 'activity')
        assert quiet['idle'] and quiet['requests'] == quiet['watches'] == quiet['unread'] == 0, quiet
        s.lab('POST', 'faults', {'path': MAPS, 'do': 'delay', 'delay': '10s'})
        watch = http.client.HTTPConnection(*s.address)
        watch.request('GET', '/api/v1/namespaces?watch=1')
        waiting = http.client.HTTPConnection(*s.address)
        waiting.request('GET', MAPS)
        watch.getresponse()
        deadline = time.monotonic() + 5
        busy = s.lab('GET', 'activity')
        while busy['requests'] + busy['watches'] < 2 and time.monotonic() < deadline:
            busy = s.lab('GET', 'activity')
        assert not busy['idle'] and busy['requests'] == 1 and busy['watches'] == 1, busy
        now = s.lab('GET', 'clock')['now']
        assert since(now, busy['next']) == 10, (now, busy)
        s.lab('POST', 'clock/advance', {'by': '10s'})
        assert waiting.getresponse().status == 200
        assert s.lab('GET', 'activity')['requests'] == 0
        watch.close()
        waiting.close()


def a_client_waits_by_its_own_clock__C_112():
    with Lab('--time=virtual') as s:
        s.make('a')
        start = time.monotonic()
        status, text = s.call('GET', MAPS + '?watch=1&resourceVersion=0&timeoutSeconds=1')
        assert status == 200 and text['type'] == 'ADDED' and 1 <= time.monotonic() - start < 8, (status, text)


def a_virtual_clock_can_run_at_a_rate_and_stop():
    with Lab('--time=virtual') as s:
        start = s.lab('PUT', 'clock', {'running': True, 'rate': 3600})
        assert start['running'] and start['rate'] == 3600
        end = time.monotonic() + 5
        while s.lab('GET', 'clock')['now'][:16] == start['now'][:16]:
            assert time.monotonic() < end
        stopped = s.lab('PUT', 'clock', {'running': False})
        time.sleep(0.03)
        assert s.lab('GET', 'clock') == stopped and not stopped['running']
        s.refused(400, 'rate must be at least 1', 'PUT', 'clock', {'rate': 0})
        s.refused(400, 'running must be true or false', 'PUT', 'clock', {'running': 1})


def advancing_lets_each_moment_happen_in_order():
    with Lab('--time=virtual', '--cluster-loops=all') as s:
        s.ok('POST', '/api/v1/namespaces/default/pods', {'metadata': {'name': 'p'}, 'spec': {
            'containers': [{'name': 'c', 'image': 'example.com/c:1'}]}})
        after = s.lab('POST', 'clock/advance', {'by': '10m'})['now']
        pod = s.ok('GET', '/api/v1/namespaces/default/pods/p')
        assert pod['status']['phase'] == 'Running', pod['status']
        # It ran soon after it was made, not when the ten minutes were over.
        started = pod['status']['containerStatuses'][0]['state']['running']['startedAt']
        made = pod['metadata']['creationTimestamp']
        assert made <= started < after and since(made, started) < 300 < since(made, after), (made, started, after)


def a_real_clock_is_nobody_s_to_move():
    with Lab() as s:
        now = s.lab('GET', 'clock')
        assert now['time'] == 'real' and now['running'], now
        s.refused(400, 'start it with --time=virtual', 'POST', 'clock/advance', {'by': '1s'})
        s.refused(400, 'start it with --time=virtual', 'PUT', 'clock', {'running': False})


# ---- the trace -------------------------------------------------------------------------------------


def the_trace_tells_who_asked_for_what():
    with Lab() as s:
        s.call('GET', '/api/v1/namespaces/default?pretty=1', agent='kubectl/v1.34 (linux)')
        s.call('GET', '/nosuch', agent='kubectl/v1.34 (linux)')
        first = s.lab('GET', 'trace')
        seen = [(i['who'], i['what']) for i in first['items']]
        assert seen == [('kubectl/v1.34', '200 GET /api/v1/namespaces/default?pretty=1'),
                        ('kubectl/v1.34', '404 GET /nosuch')], seen
        later = s.lab('GET', 'trace?after=%d' % first['last'])['items']
        assert [i['what'] for i in later] == ['200 GET /dormouse/v1/trace'], later
        s.refused(400, 'after=NUMBER', 'GET', 'trace?since=1')
        c = http.client.HTTPConnection(*s.address)
        for _ in range(1100):
            c.request('GET', '/livez')
            c.getresponse().read()
        c.close()
        kept = s.lab('GET', 'trace')
        assert len(kept['items']) == 1000 and kept['items'][-1]['n'] == kept['last'] > 1100


def the_trace_has_what_the_loops_say():
    with Lab('--controllers=all', '--cluster-loops=all') as s:
        end = time.monotonic() + 5
        line = ('controller', 'driver directory.dormouse.dev is usable')
        while line not in [(i['who'], i['what']) for i in s.lab('GET', 'trace')['items']]:
            assert time.monotonic() < end, s.lab('GET', 'trace')['items'][:3]


# ---- faults ----------------------------------------------------------------------------------------


def a_fault_refuses_so_many_requests__A_117():
    with Lab() as s:
        made = s.lab('POST', 'faults', {'method': 'GET', 'path': '/api/v1/*/configmaps', 'skip': 1, 'times': 2,
                                        'do': 'refuse', 'status': 429, 'message': 'not now'})
        assert made['id'] == 1 and made['struck'] == 0
        answers = [s.call('GET', MAPS) for _ in range(4)]
        assert [a[0] for a in answers] == [200, 429, 429, 200], answers
        assert answers[1][1]['message'] == 'not now' and answers[1][1]['reason'] == 'TooManyRequests'
        assert s.lab('GET', 'faults')['items'][0]['struck'] == 2
        s.make('others-are-not-meant')


def throttling_is_told_in_plain_text__A_113_J_083():
    with Lab() as s:
        s.lab('POST', 'faults', {'path': MAPS, 'do': 'refuse', 'status': 429})
        c = http.client.HTTPConnection(*s.address, timeout=10)
        c.request('GET', MAPS)
        r = c.getresponse()
        assert (r.status, r.getheader('Retry-After')) == (429, '1'), (r.status, r.headers)
        assert r.getheader('Content-Type').startswith('text/plain')
        assert r.read() == b'Too many requests, please try again later.\n'
        c.close()


def a_lost_reply_is_not_a_lost_write__A_117():
    with Lab() as s:
        s.lab('POST', 'faults', {'method': 'POST', 'path': MAPS, 'do': 'loseReply'})
        s.lab('POST', 'faults', {'method': 'POST', 'path': MAPS, 'do': 'drop'})
        assert s.call('POST', MAPS, {'metadata': {'name': 'written'}})[0] is None
        assert s.call('POST', MAPS, {'metadata': {'name': 'dropped'}})[0] is None
        assert s.names() == ['written'], s.names()


def a_fault_may_wait_for_one_client_and_for_ever():
    with Lab() as s:
        s.lab('POST', 'faults', {'userAgent': 'slow*', 'times': 0, 'do': 'delay', 'delay': '60ms'})
        for agent, slow in (('slow/1', True), ('quick', False), ('slow/2', True)):
            start = time.monotonic()
            assert s.call('GET', MAPS, agent=agent)[0] == 200
            assert (time.monotonic() - start >= 0.06) == slow, agent
        assert s.lab('DELETE', 'faults/1') == {'items': []}
        s.refused(404, 'there is no', 'DELETE', 'faults/1')
        s.refused(404, 'there is no', 'DELETE', 'faults/0')


def faults_are_checked_and_bounded():
    with Lab() as s:
        s.refused(400, 'do must be', 'POST', 'faults', {})
        s.refused(400, 'do must be', 'POST', 'faults', {'do': 'explode'})
        s.refused(400, 'status must be', 'POST', 'faults', {'do': 'refuse', 'status': 200})
        s.refused(400, 'a delay needs a delay', 'POST', 'faults', {'do': 'delay'})
        s.refused(400, 'times must be a number', 'POST', 'faults', {'do': 'drop', 'times': -1})
        for _ in range(100):
            s.lab('POST', 'faults', {'path': '/never', 'do': 'drop'})
        s.refused(400, 'there are 100 faults already', 'POST', 'faults', {'do': 'drop'})
        assert s.lab('DELETE', 'faults') == {'items': []}


# ---- snapshots -------------------------------------------------------------------------------------


def a_snapshot_brings_everything_back():
    with Lab() as s:
        kept, changed, deleted = (s.make(n, {'k': '1'}) for n in ('kept', 'changed', 'deleted'))
        taken = s.lab('POST', 'snapshots/before')
        assert taken['objects'] > 10 and s.lab('GET', 'snapshots')['items'] == [taken]
        s.ok('PUT', MAPS + '/changed', {'metadata': {'name': 'changed'}, 'data': {'k': '2'}})
        s.ok('DELETE', MAPS + '/deleted')
        s.make('new')
        s.ok('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', DEFINITION)
        end = time.monotonic() + 5
        while s.call('POST', '/apis/x.io/v1/namespaces/default/toys', {
                'apiVersion': 'x.io/v1', 'kind': 'Toy', 'metadata': {'name': 't'}})[0] != 201:
            assert time.monotonic() < end
        since = s.ok('GET', MAPS)['metadata']['resourceVersion']
        back = s.lab('POST', 'snapshots/before/restore')
        assert back['writes'] == 5, back                           # two put back, three gone
        assert s.names() == ['changed', 'deleted', 'kept']
        for was in (changed, deleted):
            now = s.ok('GET', MAPS + '/' + was['metadata']['name'])
            assert int(now['metadata'].pop('resourceVersion')) > int(since)
            was['metadata'].pop('resourceVersion')
            assert now == was, (now, was)
        assert s.ok('GET', MAPS + '/kept') == kept                 # what is as it was is not written
        assert s.call('GET', '/apis/x.io/v1/namespaces/default/toys')[0] == 404
        c = http.client.HTTPConnection(*s.address, timeout=10)
        c.request('GET', MAPS + '?watch=1&timeoutSeconds=1&resourceVersion=' + since)
        events = [json.loads(line) for line in c.getresponse().read().splitlines()]
        c.close()
        assert [(e['type'], e['object']['metadata']['name']) for e in events] == [
            ('MODIFIED', 'changed'), ('ADDED', 'deleted'), ('DELETED', 'new')], events
        assert s.lab('POST', 'snapshots/before/restore')['writes'] == 0


def a_definition_comes_back_with_its_objects():
    with Lab() as s:
        s.ok('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', DEFINITION)
        toy, end = {'apiVersion': 'x.io/v1', 'kind': 'Toy', 'metadata': {'name': 't'}}, time.monotonic() + 5
        while s.call('POST', '/apis/x.io/v1/namespaces/default/toys', toy)[0] != 201:
            assert time.monotonic() < end
        s.lab('POST', 'snapshots/with')
        s.ok('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/toys.x.io')
        while s.call('GET', '/apis/x.io/v1/namespaces/default/toys')[0] != 404:
            assert time.monotonic() < end
        s.lab('POST', 'snapshots/with/restore')
        assert s.ok('GET', '/apis/x.io/v1/namespaces/default/toys/t')['kind'] == 'Toy'


def a_snapshot_can_be_carried_to_another_server():
    with Lab() as s:
        s.make('a', {'k': 'v'})
        s.lab('POST', 'snapshots/one')
        whole = s.lab('GET', 'snapshots/one')
    with Lab() as s:
        assert s.lab('PUT', 'snapshots/theirs', whole)['objects'] == len(whole['objects'])
        s.lab('POST', 'snapshots/theirs/restore')
        assert s.names() == ['a'] and s.ok('GET', MAPS + '/a')['data'] == {'k': 'v'}
        assert s.make('b')['metadata']['uid']
        s.refused(400, 'objects must be a JSON object', 'PUT', 'snapshots/none', {})
        s.refused(400, 'holds no object', 'PUT', 'snapshots/none', {'objects': {'/a/b': {'x': 1}}})
        s.refused(400, 'holds no object', 'PUT', 'snapshots/none', {'objects': {'a': {'metadata': {}}}})


def snapshots_have_names_and_are_bounded():
    with Lab() as s:
        for name in ('', '/', '/UPPER', '/a%20b', '/' + 'x' * 64, '/a/b'):
            s.refused(404, 'there is no', 'POST', 'snapshots' + name)
        s.refused(404, 'there is no', 'POST', 'snapshots/none/restore')
        s.refused(404, 'there is no', 'GET', 'snapshots/none')
        for i in range(100):
            s.lab('POST', 'snapshots/s%d' % i)
        s.lab('POST', 'snapshots/s0')
        s.refused(400, 'there are 100 snapshots already', 'POST', 'snapshots/more')
        assert len(s.lab('DELETE', 'snapshots/s7')['items']) == 99
        s.refused(404, 'there is no', 'DELETE', 'snapshots/s7')


def compaction_makes_the_past_expire():
    with Lab() as s:
        old = s.make('a')['metadata']['resourceVersion']
        first = s.ok('GET', '/api/v1/namespaces?limit=1')
        s.make('b')
        assert s.lab('POST', 'compact')['revision'] > int(old)
        s.make('c')
        status, body = s.call('GET', MAPS + '?resourceVersionMatch=Exact&resourceVersion=' + old)
        assert status == 410 and body['reason'] == 'Expired', body
        status, body = s.call('GET', '/api/v1/namespaces?limit=1&continue=' + first['metadata']['continue'])
        assert status == 410 and body['reason'] == 'Expired', body


TESTS = [f for name, f in list(globals().items()) if callable(f) and getattr(f, '__module__', '') == '__main__'
         and name not in ('Lab', 'since')]

if __name__ == '__main__':
    tap.run(TESTS)
