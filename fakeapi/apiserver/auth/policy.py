#!/usr/bin/env python3
"""Makes the table of the roles and bindings that a fresh server has: policy.jsonl to C.   policy.py IN OUT

One object a line: resource, namespace, name, labels, and the rest of it. What all of them say of themselves (that
they were there at the start and are kept up to date) is added here.
"""
import json, sys


def main():
    with open(sys.argv[1], encoding='utf-8') as f:
        rows = [json.loads(line) for line in f]
    with open(sys.argv[2], 'w', encoding='utf-8') as out:
        out.write('/* Made by policy.py from policy.jsonl. */\n#include "fakeapi/apiserver/bootstrap.h"\n\n'
                  'const struct seed rbac_policy[] = {\n')
        for row in rows:
            resource, namespace = row.pop('resource'), row.pop('namespace', '')
            obj = {'metadata': {'name': row.pop('name'),
                                'labels': {'kubernetes.io/bootstrapping': 'rbac-defaults', **row.pop('labels', {})},
                                'annotations': {'rbac.authorization.kubernetes.io/autoupdate': 'true'}}, **row}
            out.write('    { "kube-apiserver", "rbac.authorization.k8s.io", "v1", "%s", "%s",\n      %s },\n' % (
                resource, namespace, json.dumps(json.dumps(obj, separators=(',', ':')))))
        out.write('};\nconst size_t rbac_n_policy = %d;\n' % len(rows))


if __name__ == '__main__':
    main()
