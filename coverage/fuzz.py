#!/usr/bin/env python3
"""Runs every fuzz target with libFuzzer and the sanitizers: fuzz.py [--time SECONDS] [TARGET ...]

Needs clang and its run-time (libclang-rt-14-dev). Builds in build-fuzz/; what libFuzzer finds new goes to build-fuzz/corpus/TARGET, what breaks a
target to build-fuzz/found/. The corpora under fixtures/fuzz are only read. Exit 1 when something broke.
"""
import argparse, os, pathlib, shutil, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / 'build-fuzz'


def build():
    if not (BUILD / 'build.ninja').exists():
        env = dict(os.environ, CC='clang', CXX='clang++')
        subprocess.run(['meson', 'setup', str(BUILD), '-Dfuzz=true', '-Db_sanitize=address,undefined',
                        '-Db_lundef=false', '-Dwerror=false', '-Dc_args=-fsanitize=fuzzer-no-link -w', '-Dbuildtype=debugoptimized'],
                       cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(['ninja', '-C', str(BUILD), '--quiet', 'build.ninja'], check=True)  # A target may be new.
    targets = subprocess.run(['ninja', '-C', str(BUILD), '-t', 'targets', 'all'], check=True,
                             capture_output=True, text=True).stdout.split('\n')
    names = sorted(t.split(':')[0] for t in targets
                   if '/fuzz_' in t and '_LINKER' in t)
    subprocess.run(['ninja', '-C', str(BUILD), '--quiet'] + names, check=True)
    return {pathlib.Path(n).name[len('fuzz_'):]: BUILD / n for n in names}


def run(name, exe, seconds):
    corpus, found = BUILD / 'corpus' / name, BUILD / 'found'
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(exist_ok=True)
    seeds = ROOT / 'fixtures/fuzz' / name
    command = [str(exe), f'-max_total_time={seconds}', '-timeout=10', '-rss_limit_mb=2048', '-max_len=65536',
               f'-artifact_prefix={found}/{name}-', '-print_final_stats=1', str(corpus)]
    if seeds.is_dir():
        command.append(str(seeds))
    result = subprocess.run(command, capture_output=True, text=True, errors='replace')
    runs = '?'
    for line in result.stderr.split('\n'):
        if line.startswith('stat::number_of_executed_units:'):
            runs = line.split(':')[-1].strip()
    print(f'{name:12} {"held" if result.returncode == 0 else "BROKE"}  {runs} inputs in {seconds} s', flush=True)
    if result.returncode:
        print('\n'.join(result.stderr.split('\n')[-40:]))
    return result.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--time', type=int, default=60)
    parser.add_argument('targets', nargs='*')
    args = parser.parse_args()
    if not shutil.which('clang'):
        sys.exit('fuzzing needs clang: apt-get install clang libclang-rt-14-dev')
    targets = build()
    wanted = args.targets or sorted(targets)
    return 0 if all([run(name, targets[name], args.time) for name in wanted]) else 1


if __name__ == '__main__':
    sys.exit(main())
