#!/usr/bin/env python3
"""Speed and memory: the store by itself, then the server under load from outside.

usage: bench.py BUILD     Prints tables; a goal that is missed says so, and exit status is 0 either way.
"""
import subprocess
import sys


def main():
    build = sys.argv[1]
    tools = ['fakeapi/bench_server', 'fakeapi/store/bench_store']
    subprocess.run(['ninja', '-C', build, '--quiet', *tools], check=True)
    print('The store by itself')
    subprocess.run(['%s/fakeapi/store/bench_store' % build], check=True)
    print('\nThe server, over HTTP on the loopback')
    sys.stdout.flush()
    return subprocess.run(['%s/fakeapi/bench_server' % build, '%s/dormouse' % build]).returncode


if __name__ == '__main__':
    sys.exit(main())
