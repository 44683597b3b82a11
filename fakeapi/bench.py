#!/usr/bin/env python3
"""Speed and memory: the store by itself, then the server under load from outside.

usage: bench.py BUILD     Prints tables; a goal that is missed says so, and exit status is 0 either way.
"""
import shutil
import subprocess
import sys
import tempfile


def main():
    build = sys.argv[1]
    tools = ['fakeapi/bench_server', 'fakeapi/bench_durable', 'fakeapi/store/bench_store']
    subprocess.run(['ninja', '-C', build, '--quiet', *tools], check=True)
    print('The store by itself')
    subprocess.run(['%s/fakeapi/store/bench_store' % build], check=True)
    print('\nThe server, over HTTP on the loopback')
    sys.stdout.flush()
    if subprocess.run(['%s/fakeapi/bench_server' % build, '%s/dormouse' % build]).returncode != 0:
        return 1
    print('\nThe server on a file (--data), beside etcd where it is installed')
    sys.stdout.flush()
    result = bench_durable(build)
    print('\nA whole envtest suite')
    sys.stdout.flush()
    subprocess.run([sys.executable, 'fixtures/clients/bench_envtest.py', '%s/dormouse' % build])
    return result


def bench_durable(build):
    """In the build folder: a disk, not the memory that /tmp may be."""
    etcd = shutil.which('etcd')
    with tempfile.TemporaryDirectory(dir=build) as folder:
        return subprocess.run(['%s/fakeapi/bench_durable' % build, '%s/dormouse' % build, folder] +
                              ([etcd] if etcd else [])).returncode


if __name__ == '__main__':
    sys.exit(main())
