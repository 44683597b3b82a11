#!/usr/bin/env python3
"""The command from outside: exit codes, messages, reports, determinism, drivers that misbehave.

usage: test_cli.py DORMOUSE SOURCE_ROOT     (TAP on standard output)
"""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import xml.dom.minidom

DORMOUSE, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SCENARIOS = os.path.join(SOURCE, "fixtures", "scenarios")
FEW = ["stop-suspend-resume", "hibernate-and-resume", "rapid-flips", "crash-during-checkpoint"]
tests = []


def test(f):
    tests.append(f)
    return f


def run(*args, **kw):
    kw.setdefault("timeout", 120)
    return subprocess.run([DORMOUSE, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, **kw)


def equal(got, want, what=""):
    assert got == want, f"{what}: got {got!r}, wanted {want!r}"


def few(where=SCENARIOS):
    return [os.path.join(where, n + ".yaml") for n in FEW]


# ---- the command line ---------------------------------------------------------------------------

@test
def exit_codes_and_messages():
    bad = tempfile.mkdtemp()
    wrong = os.path.join(bad, "wrong.yaml")
    with open(wrong, "w") as f:
        f.write("apiVersion: conformance.dormouse/v1\nkind: Scenario\nnmae: x\n")
    broken = os.path.join(bad, "broken.yaml")
    with open(broken, "w") as f:
        f.write("a: [1, 2\n")
    binary = os.path.join(bad, "binary.yaml")
    with open(binary, "wb") as f:
        f.write(b"a: \xff\xfe\0\n")
    unreadable = os.path.join(bad, "dir.yaml")
    os.mkdir(unreadable)
    rows = [
        ([], 2, "usage"),
        (["help"], 0, None),
        (["version"], 0, None),
        (["frobnicate"], 2, "unknown command frobnicate"),
        (["run"], 2, "which scenario files"),
        (["run", "--no-such"], 2, "unknown option --no-such"),
        (["run", "--seed"], 2, "needs a value"),
        (["run", "--seed", "abc", wrong], 2, "not a number"),
        (["run", "--seed=-1", wrong], 2, "not a number"),
        (["run", "--client-villain", "nobody", few()[0]], 2, "no client villain nobody"),
        (["run", os.path.join(bad, "absent.yaml")], 2, "No such file or directory"),
        (["run", unreadable], 2, "no scenario files there"),
        (["run", wrong], 2, "wrong.yaml:3:1: unknown field nmae in Scenario; did you mean name?"),
        (["run", broken], 2, "broken.yaml:"),
        (["run", binary], 2, "binary.yaml:1:4: this byte is not UTF-8"),
        (["replay", few()[0], "--schedule", "sideways"], 2, "sideways is no schedule"),
        (["replay", SCENARIOS], 2, "one scenario at a time"),
        (["certify", "--only", "nothing"], 2, "--only names no check"),
        (["certify", "operand"], 2, "takes no operands"),
        (["certify", "--driver", "http://x"], 2, None),
        (["driver", "directory"], 2, "--root and --listen"),
        (["lint", SCENARIOS], 0, None),
    ]
    for args, code, message in rows:
        r = run(*args)
        equal(r.returncode, code, f"{args}: {r.stderr}")
        if message:
            assert message in r.stderr + r.stdout, f"{args}: {r.stderr}"


@test
def help_fits_a_screen():
    listed = re.findall(r"^  ([a-z]+) +", run("help").stdout, re.M)
    assert "certify" in listed and "run" in listed, listed
    for command in [c for c in listed if c not in ("help", "version")]:
        r = run(command, "--help")
        equal(r.returncode, 0, command)
        lines = r.stdout.splitlines()
        assert lines[0].startswith("usage: dormouse " + command), lines[0]
        assert len(lines) <= 40 and max(map(len, lines)) <= 120, command


# ---- running ------------------------------------------------------------------------------------

@test
def a_failing_scenario_says_where_and_how_to_see_it_again():
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "f.yaml")
        with open(few()[0]) as f:
            text = f.read().replace("True/PodTerminated", "True/PodFrozen", 1)
        with open(path, "w") as f:
            f.write(text)
        r = run("run", "--report", os.path.join(d, "r"), "--seed", "5", path)
        equal(r.returncode, 1, r.stderr)
        report = json.load(open(os.path.join(d, "r", "report.json")))
        check = report["checks"][0]
        equal((report["verdict"], check["verdict"]), ("Failed", "fail"))
        assert check["where"].startswith(path + ":") and check["timeline"], check
        assert "PodFrozen" in check["expected"] and "PodTerminated" in check["actual"], check
        command = check["rerun"].split()[1:]
        again = run(*command)
        equal(again.returncode, 1, again.stderr)
        assert check["message"] in again.stdout
        # Every form agrees, and is what it claims to be.
        junit = xml.dom.minidom.parse(os.path.join(d, "r", "junit.xml"))
        failures = junit.getElementsByTagName("failure")
        equal(len(failures), 1)
        assert check["message"] in failures[0].getAttribute("message")
        suite = junit.getElementsByTagName("testsuite")[0]
        equal((suite.getAttribute("tests"), suite.getAttribute("failures")), ("1", "1"))
        tap = open(os.path.join(d, "r", "report.tap")).read()
        assert "1..1\nnot ok 1 - controller: " in tap, tap
        html = open(os.path.join(d, "r", "index.html")).read()
        for needle in ("PodFrozen", "SUS-005", check["rerun"], "What did not hold"):
            assert needle in html, needle
        assert "http://" not in html and "https://" not in html and "<script" not in html


@test
def a_fault_that_never_strikes_fails():
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "f.yaml")
        with open(few()[0]) as f:
            text = f.read().rstrip() + "\n"
        head, _, tail = text.partition("steps:\n")
        with open(path, "w") as f:
            f.write(head + "steps:\n  - fault: {rpc: Freeze, do: loseReply}\n" + tail)
        r = run("run", path)
        equal(r.returncode, 1, r.stderr)
        assert "never struck" in r.stdout, r.stdout


@test
def nothing_executed_is_never_a_pass():
    with tempfile.TemporaryDirectory() as d:
        r = run("certify", "--driver", "unix://" + os.path.join(d, "absent.sock"), "--only", "info-is-stable",
                "--report", os.path.join(d, "r"))
        equal(r.returncode, 2, r.stderr)
        equal(json.load(open(os.path.join(d, "r", "report.json")))["verdict"], "Failed")


def trace_and_report(directory, seed, paths, **kw):
    t, j = os.path.join(directory, "t"), os.path.join(directory, "j")
    r = run("run", "--seed", str(seed), "--trace", t, "--json", j, "--quiet", *paths, **kw)
    equal(r.returncode, 0, r.stdout + r.stderr)
    return open(t, "rb").read(), open(j, "rb").read()


@test
def same_seed_same_bytes():
    with tempfile.TemporaryDirectory() as d:
        first = trace_and_report(d, 7, few())
        assert len(first[0]) > 10000, "the trace tells something"
        equal(trace_and_report(d, 7, few()), first, "again")
        equal(trace_and_report(d, 7, few(), cwd="/"), first, "from another directory")
        equal(trace_and_report(d, 7, few(), env={"LANG": "xx", "TZ": "Asia/Tokyo", "DORMOUSE_X": "y" * 5000}),
              first, "with another environment")
        env = dict(os.environ, MALLOC_PERTURB_="165")
        equal(trace_and_report(d, 7, few(), env=env), first, "with perturbed memory")
        assert trace_and_report(d, 8, few())[0] != first[0], "another seed makes other identities"


@test
def relative_paths_are_named_as_given():
    r = run("lint", "fixtures/scenarios", cwd=SOURCE)
    equal(r.returncode, 0, r.stderr)


# ---- drivers ------------------------------------------------------------------------------------

@test
def the_reference_driver_passes():
    with tempfile.TemporaryDirectory() as d:
        r = run("certify", "--report", os.path.join(d, "r"), "--only", "survives-a-restart")
        equal(r.returncode, 0, r.stdout + r.stderr)
        report = json.load(open(os.path.join(d, "r", "report.json")))
        equal(report["implementation"]["name"], "directory.dormouse.dev")
        equal([c["verdict"] for c in report["checks"]], ["pass"])


@test
def a_driver_that_stores_nothing_fails_at_least_six():
    with tempfile.TemporaryDirectory() as d:
        r = run("certify", "--villain", "stores-nothing", "--report", os.path.join(d, "r"), "--driver-only")
        equal(r.returncode, 1, r.stderr)
        report = json.load(open(os.path.join(d, "r", "report.json")))
        failed = [c["id"] for c in report["checks"] if c["subject"] == "driver" and c["verdict"] == "fail"]
        assert len(failed) >= 6, failed


class BadServer:
    """A unix socket that answers as `behave` says, for every connection."""

    def __init__(self, behave):
        self.dir = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.dir.name, "s.sock")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.behave, self.kept = behave, []

    def __enter__(self):
        self.socket.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()
        return "unix://" + self.path

    def serve(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            self.kept.append(c)
            try:
                self.behave(c)
            except OSError:
                pass

    def __exit__(self, *_):
        self.socket.close()
        for c in self.kept:
            c.close()
        self.dir.cleanup()


def certify_bad(endpoint, code, word):
    with tempfile.TemporaryDirectory() as d:
        start = time.monotonic()
        r = run("certify", "--driver", endpoint, "--driver-only", "--report", os.path.join(d, "r"))
        took = time.monotonic() - start
        equal(r.returncode, code, r.stdout + r.stderr)
        assert took < 60, f"it took {took:.0f} s"
        equal(len(r.stderr.strip().splitlines()), 1, r.stderr)
        assert word in r.stdout + r.stderr, r.stdout + r.stderr
        report = json.load(open(os.path.join(d, "r", "report.json")))
        equal(report["verdict"], "Failed")
        assert len(report["troubles"]) == 1, report["troubles"]
        xml.dom.minidom.parse(os.path.join(d, "r", "junit.xml"))


@test
def an_absent_socket():
    certify_bad("unix:///nowhere/at/all.sock", 2, "absent")


@test
def a_socket_nobody_listens_on():
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "s.sock")
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        certify_bad("unix://" + path, 3, "refused")
        s.close()


@test
def a_driver_that_hangs():
    with BadServer(lambda c: c.recv(1)) as endpoint:
        certify_bad(endpoint, 1, "hung")


@test
def a_driver_that_answers_garbage():
    def behave(c):
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    with BadServer(behave) as endpoint:
        certify_bad(endpoint, 1, "does not speak gRPC")


@test
def a_driver_that_hangs_up():
    with BadServer(lambda c: (c.recv(24), c.close())) as endpoint:
        certify_bad(endpoint, 1, "closed the connection before it answered")


@test
def a_driver_that_dies_in_the_middle():
    with tempfile.TemporaryDirectory() as d:
        endpoint = "unix://" + os.path.join(d, "s.sock")
        p = subprocess.Popen([DORMOUSE, "driver", "directory", "--root", os.path.join(d, "root"), "--listen",
                              endpoint], stdout=subprocess.PIPE, text=True)
        assert p.stdout.readline().startswith("listening on")
        c = subprocess.Popen([DORMOUSE, "certify", "--driver", endpoint, "--driver-only", "--report",
                              os.path.join(d, "r")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for line in c.stdout:
            if "same-id-same-answer" in line:
                p.kill()
                p.wait()
                break
        out, err = c.communicate(timeout=60)
        assert c.returncode in (1, 2, 3), (c.returncode, err)
        report = json.load(open(os.path.join(d, "r", "report.json")))
        equal(report["verdict"], "Failed")
        verdicts = [k["verdict"] for k in report["checks"]]
        assert "pass" in verdicts and "error" in verdicts, verdicts
        equal(len(err.strip().splitlines()), 1, err)


def main():
    print(f"1..{len(tests)}")
    failed = 0
    for n, f in enumerate(tests, 1):
        name = f.__name__.replace("_", " ")
        try:
            f()
            print(f"ok {n} - {name}", flush=True)
        except Exception as e:                    # an assertion, a time-out, a broken report
            failed += 1
            print(f"not ok {n} - {name}")
            for line in f"{type(e).__name__}: {e}".splitlines():
                print("# " + line[:2000], flush=True)
    return 1 if failed else 0


sys.exit(main())
