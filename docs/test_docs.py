#!/usr/bin/env python3
"""Types what our pages tell a reader to type, and compares what comes back.

  test_docs.py DORMOUSE SOURCE

A block ```console holds commands after "$ " and what they print; "..." stands for anything. All blocks of a page
go into one shell. A comment <!-- in the test: COMMAND --> before a block names what is run instead of it, where the
block needs the network or a long time; COMMAND must print what the block's last lines say.
"""
import os, re, signal, socket, subprocess, sys, tempfile
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../fixtures/clients'))
import peers
from peer import Tap

DORMOUSE, SOURCE = map(os.path.abspath, sys.argv[1:3])
END = 'END-OF-COMMAND'
# page: what it needs beside us, as (a folder of clients, one of its programs)
PAGES = {'control-api.md': None, 'go.md': ('go', 'go-operator.test'), 'python.md': None, 'javascript.md': ('node', 'node')}


def blocks(text):
    """(commands, instead): each command with the lines that it shall print."""
    for m in re.finditer(r'(?:<!-- in the test: (.*?) -->\n)?```console\n(.*?)```', text, re.S):
        commands, lines = [], m.group(2).splitlines()
        while lines:
            line = lines.pop(0)
            if not line.startswith('$ '):
                commands[-1][1].append(line)
                continue
            words = [line[2:]]
            while words[-1].endswith('\\'):
                words.append(lines.pop(0))
            if "<<'EOF'" in words[0]:
                while words[-1] != 'EOF':
                    words.append(lines.pop(0))
            commands.append(('\n'.join(words), []))
        yield commands, m.group(1)


def pattern(lines):
    return re.compile(''.join(re.escape(line).replace(r'\.\.\.', '.*') + '\n' for line in lines) if lines else '', re.S)


class Shell:
    def __init__(self, folder):
        env = dict(os.environ, PATH=os.path.dirname(DORMOUSE) + ':' + os.environ['PATH'], PEERS=peers.PEERS,
                   SOURCE=SOURCE, HOME=folder, XDG_CACHE_HOME=folder)
        self.p = subprocess.Popen(['bash'], cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, universal_newlines=True, start_new_session=True)

    def run(self, command, background):
        """What it prints; of a program in the background its first line."""
        self.p.stdin.write('%s\necho; echo %s\n' % (command, END) if not background else '%s\n' % command)
        self.p.stdin.flush()
        out = ''
        while True:
            line = self.p.stdout.readline()
            if not line or line == END + '\n':
                return out[:-1] if out.endswith('\n\n') or out == '\n' else out
            out += line
            if background:
                return out

    def end(self):
        self.p.stdin.close()
        os.killpg(self.p.pid, signal.SIGTERM)
        self.p.wait()


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def page(tap, name):
    with open(os.path.join(HERE, name)) as f:
        text = f.read().replace('8888', str(free_port()))
    with tempfile.TemporaryDirectory(prefix='dormouse-docs-') as folder:
        text = text.replace('$PWD/build', os.path.dirname(DORMOUSE)).replace('/tmp/try-dormouse', folder + '/try')
        shell = Shell(folder)
        try:
            for commands, instead in blocks(text):
                if instead:
                    commands = [(instead, commands[-1][1] if commands[-1][1] != ['...'] else [])]
                for command, printed in commands:
                    out = shell.run(command, command.endswith('&'))
                    what = '%s: %s' % (name, command.splitlines()[0].replace(folder, '').replace('#', ''))
                    tap.ok(pattern(printed).fullmatch(out if out.endswith('\n') or not out else out + '\n'), what[:120],
                           'printed:', out, 'not:', *printed)
        finally:
            shell.end()


def main():
    tap = Tap()
    for name, needs in PAGES.items():
        program, reason = peers.ready(*needs) if needs else ('', None)
        if reason:
            tap.skip(name, reason)
        else:
            page(tap, name)
    tap.end()


if __name__ == '__main__':
    main()
