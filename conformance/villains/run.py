#!/usr/bin/env python3
"""Every broken implementation must be caught: runs them all and prints which check killed whom.

usage: run.py BUILD [NAME...]

Three kinds: drivers that break one rule (dormouse driver --villains), clients that bend a controller's
requests (conformance/scenario/bend.c), and patches of the controller's source (fixtures/villains/*.patch),
built beside the tree in BUILD-villains. A villain is caught when some check fails that passes on the
honest implementation; the first such check is its killer. Exit 1 when one gets away, or when a check
already fails without any villain.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCENARIOS = os.path.join(ROOT, "fixtures", "scenarios")
CYCLE = os.path.join(SCENARIOS, "hibernate-and-resume.yaml")
IGNORED = shutil.ignore_patterns("build*", ".git", "__pycache__", "dormouse-report")


def report_of(command, **kw):
    """The checks of a run by id: verdict, and the message of those that did not pass."""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "r")
        r = subprocess.run(command + (["--report", path]), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=600, **kw)
        report = os.path.join(path, "report.json")
        if not os.path.exists(report):
            sys.exit(f"{' '.join(command)} wrote no report:\n{r.stdout}")
        with open(report) as f:
            return {c["id"]: c for c in json.load(f)["checks"]}


def failing(checks):
    return [i for i, c in checks.items() if c["verdict"] in ("fail", "non-strict", "error")]


def by_invariant(check):
    m = re.match(r"([a-z-]+): ", check.get("message", ""))
    return m.group(1) if m and m.group(1) not in ("expect", "calls", "order", "seen", "never") else ""


class Matrix:
    def __init__(self, wanted):
        self.wanted, self.rows, self.escaped = wanted, [], []

    def wants(self, name):
        return not self.wanted or name in self.wanted

    def add(self, kind, name, breaks, checks, honest):
        killers = [i for i in failing(checks) if honest[i]["verdict"] == "pass"]
        how = by_invariant(checks[killers[0]]) if killers else ""
        self.rows.append((kind, name, breaks, killers, how))
        if not killers:
            self.escaped.append(name)
        verdict = f"killed by {killers[0]}" + (f" ({how})" if how else "") if killers else "GOT AWAY"
        more = f" and {len(killers) - 1} more" if len(killers) > 1 else ""
        print(f"  {kind:10} {name:28} {verdict}{more}", flush=True)

    def show(self):
        print("\nKill matrix\n")
        print(f"  {'villain':28} {'breaks':32} killed by")
        for kind, name, breaks, killers, how in self.rows:
            shown = ", ".join(killers[:4]) + (f", ... ({len(killers)})" if len(killers) > 4 else "")
            if how:
                shown = f"{shown}  [{how}]"
            print(f"  {name:28} {breaks[:32]:32} {shown or '-'}")
        kinds = {k: sum(1 for r in self.rows if r[0] == k) for k in ("driver", "client", "controller")}
        print(f"\n{len(self.rows)} villains ({kinds['driver']} drivers, {kinds['client']} clients, "
              f"{kinds['controller']} controllers): {len(self.rows) - len(self.escaped)} caught, "
              f"{len(self.escaped)} got away")


def honest_run(command, what):
    checks = report_of(command)
    bad = failing(checks)
    if bad:
        sys.exit(f"{what} fails without any villain: {', '.join(bad)}")
    return checks


def drivers(dormouse, matrix):
    command = [dormouse, "certify", "--driver-only", "--seed", "1", "--quiet"]
    beside_guests = [dormouse, "run", "--quiet", SCENARIOS]
    honest = honest_run(command, "The reference driver")
    honest_scenarios = honest_run(beside_guests, "The controller")
    listed = subprocess.run([dormouse, "driver", "--villains"], stdout=subprocess.PIPE, text=True, check=True)
    for line in listed.stdout.splitlines():
        name = line.split()[0]
        breaks = " ".join(re.findall(r"[A-Z]{3}-\d{3}", line))
        if not matrix.wants(name):
            continue
        checks = report_of(command + ["--villain", name])
        if failing(checks):
            matrix.add("driver", name, breaks, checks, honest)
        else:                                     # what it does to a workload only a scenario sees
            matrix.add("driver", name, breaks, report_of(beside_guests + ["--villain", name]),
                       honest_scenarios)


def clients(dormouse, matrix):
    command = [dormouse, "run", "--quiet", CYCLE]
    honest = honest_run(command, "The controller")
    listed = subprocess.run([dormouse, "run", "--client-villains"], stdout=subprocess.PIPE, text=True, check=True)
    for line in listed.stdout.splitlines():
        name, _, sentence = line.partition(" ")
        if matrix.wants(name):
            matrix.add("client", name, sentence.strip(),
                       report_of(command + ["--client-villain", name]), honest)


def quiet(command, cwd):
    r = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    if r.returncode:
        sys.exit(f"{' '.join(command)}:\n{r.stdout[-4000:]}")


def patched_tree(build):
    """A copy of the sources with a build of its own, brought up to date; unchanged files stay as they are."""
    tree = os.path.abspath(build) + "-villains"
    fresh = tree + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(ROOT, fresh, ignore=IGNORED)
    if os.path.isdir(os.path.join(tree, "build")):
        shutil.move(os.path.join(tree, "build"), os.path.join(fresh, "build"))
    shutil.rmtree(tree, ignore_errors=True)
    os.rename(fresh, tree)
    if not os.path.isfile(os.path.join(tree, "build", "build.ninja")):
        quiet(["meson", "setup", "build"], tree)
    quiet(["ninja", "-C", "build", "--quiet", "dormouse"], tree)
    return tree


def controllers(build, matrix):
    patches = sorted(glob.glob(os.path.join(ROOT, "fixtures", "villains", "*.patch")))
    names = {os.path.basename(p)[:-6]: p for p in patches}
    if not any(matrix.wants(n) for n in names):
        return
    print("  building the controller to be patched ...", flush=True)
    tree = patched_tree(build)
    dormouse = os.path.join(tree, "build", "dormouse")
    command = [dormouse, "run", "--quiet", SCENARIOS]
    honest = honest_run(command, "The controller")
    for name, patch in names.items():
        if not matrix.wants(name):
            continue
        with open(patch) as f:
            breaks = re.match(r"# ([^:]*):", f.readline()).group(1)
        quiet(["patch", "-p1", "--forward", "--silent", "-i", patch], tree)
        quiet(["ninja", "-C", "build", "--quiet", "dormouse"], tree)
        matrix.add("controller", name, breaks, report_of(command), honest)
        quiet(["patch", "-p1", "-R", "--silent", "-i", patch], tree)


def main():
    build = sys.argv[1]
    dormouse = os.path.abspath(os.path.join(build, "dormouse"))
    matrix = Matrix(sys.argv[2:])
    drivers(dormouse, matrix)
    clients(dormouse, matrix)
    controllers(build, matrix)
    matrix.show()
    return 1 if matrix.escaped else 0


sys.exit(main())
