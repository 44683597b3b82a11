#!/usr/bin/env python3
"""Turns the facts about built-in kinds into static C tables of struct schema.

  generate.py builtin-types.tsv builtin-enums.tsv defaults.tsv OUT.c

One node a message, one a distinct Go type; nothing is computed when a program starts.
"""
import sys

SCALARS = {  # Go type: schema type, form, format, protobuf wire type
    'string': ('STRING', 'PLAIN', None, 2),
    'bool': ('BOOLEAN', 'PLAIN', None, 0),
    'int32': ('INTEGER', 'PLAIN', 'int32', 0),
    'int64': ('INTEGER', 'PLAIN', 'int64', 0),
    'float64': ('NUMBER', 'PLAIN', 'double', 1),
    '[]byte': ('STRING', 'BYTES', 'byte', 2),
    'any': ('ANY', 'JSON', None, 2),
}
FORMS = {  # Go type as reflect prints it: schema type, form, format, OpenAPI name
    'resource.Quantity': ('STRING', 'QUANTITY', None, 'io.k8s.apimachinery.pkg.api.resource.Quantity'),
    'v1.Time': ('STRING', 'TIME', 'date-time', 'io.k8s.apimachinery.pkg.apis.meta.v1.Time'),
    'v1.MicroTime': ('STRING', 'MICROTIME', 'date-time', 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime'),
    'v1.Duration': ('STRING', 'DURATION', None, 'io.k8s.apimachinery.pkg.apis.meta.v1.Duration'),
    'intstr.IntOrString': ('INT_OR_STRING', 'INT_OR_STRING', 'int-or-string',
                           'io.k8s.apimachinery.pkg.util.intstr.IntOrString'),
    'runtime.RawExtension': ('OBJECT', 'RAW_EXTENSION', None, 'io.k8s.apimachinery.pkg.runtime.RawExtension'),
    'v1.FieldsV1': ('OBJECT', 'FIELDS_V1', None, 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1'),
}
APIEXT = 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1'
NAMED = {  # named types that are neither structs nor strings: (package, name): what they are
    ('k8s.io.api.core.v1', 'ResourceList'): 'map[ResourceName]resource.Quantity',
    (APIEXT, 'JSONSchemaDefinitions'): 'map[string]JSONSchemaProps',
    (APIEXT, 'JSONSchemaDependencies'): 'map[string]JSONSchemaPropsOrStringArray',
    (APIEXT, 'ValidationRules'): '[]ValidationRule',
}
STRING_LISTS = ('ExtraValue', 'Verbs')
APIEXT_FORMS = {  # form, what `items` is
    'JSON': ('JSON', None),
    'JSONSchemaPropsOrBool': ('SCHEMA_OR_BOOL', 'JSONSchemaProps'),
    'JSONSchemaPropsOrArray': ('SCHEMA_OR_ARRAY', 'JSONSchemaProps'),
    'JSONSchemaPropsOrStringArray': ('SCHEMA_OR_STRINGS', 'JSONSchemaProps'),
}
GROUPS = {  # last but one part of a package: API group
    'core': '', 'meta': 'meta.k8s.io', 'apps': 'apps', 'batch': 'batch', 'autoscaling': 'autoscaling',
    'policy': 'policy', 'rbac': 'rbac.authorization.k8s.io', 'flowcontrol': 'flowcontrol.apiserver.k8s.io',
}
ALIASES = {'metav1': 'k8s.io.apimachinery.pkg.apis.meta.v1', 'corev1': 'k8s.io.api.core.v1',
           'v1': 'k8s.io.api.core.v1', 'apiv1': 'k8s.io.api.core.v1', 'runtime': 'runtime', 'resource': 'resource', 'intstr': 'intstr',
           'types': 'types', 'authenticationv1': 'k8s.io.api.authentication.v1'}
META = ALIASES['metav1']


def group_of(package):
    part = package.split('.')[-2]
    return GROUPS[part] if part in GROUPS else part + '.k8s.io'


def c_string(s):
    return 'NULL' if s is None or s == '' else '"%s"' % s.replace('\\', '\\\\').replace('"', '\\"')


class Generator:
    def __init__(self, types, enums, defaults):
        self.messages, self.atomic, self.unions = {}, set(), {}
        self.enums = {}
        self.fills, self.hooks = {}, {}
        self.nodes, self.order = {}, []          # C symbol: text
        self.lists = {}                          # tuple of strings: C symbol
        self.read_types(types)
        for line in self.lines(enums)[1:]:
            package, name, values, *openapi = line.split('\t')
            if openapi == ['enum']:
                self.enums[package, name] = sorted(values.split(','))
        for line in self.lines(defaults):
            message, field, value = line.split('\t')
            if value == 'hook':
                self.hooks[message] = field
            else:
                self.fills[message, field] = value
        self.used_fills = set()

    @staticmethod
    def lines(path):
        with open(path) as f:
            return [l.rstrip('\n') for l in f if l.strip() and not l.startswith('#')]

    def read_types(self, path):
        current = None
        for line in self.lines(path):
            if not line.startswith('\t'):
                package, name, *rest = line.split('\t')
                current = self.messages.setdefault((package, name), [])
                for word in rest:
                    if word == 'atomic':
                        self.atomic.add((package, name))
                    else:
                        self.unions[package, name] = word[len('union='):]
                continue
            cells = (line[1:].split('\t') + [''] * 9)[:9]
            current.append(cells)

    # ---- Go types -----------------------------------------------------------------------------
    def resolve(self, package, go):
        """A type name as written in `package`: (package, name)."""
        if '.' in go:
            alias, name = go.split('.')
            if alias == 'v1' and (META, name) in self.messages and ('k8s.io.api.core.v1', name) not in self.messages:
                return META, name
            return ALIASES[alias], name
        return package, go

    def printed(self, package, go):
        """The type as reflect prints it."""
        if go.startswith('*'):
            return '*' + self.printed(package, go[1:])
        if go == '[]byte':
            return '[]uint8'
        if go.startswith('[]'):
            return '[]' + self.printed(package, go[2:])
        if go.startswith('map['):
            end = go.index(']')
            return 'map[%s]%s' % (self.printed(package, go[4:end]), self.printed(package, go[end + 1:]))
        if go in SCALARS:
            return 'interface {}' if go == 'any' else go
        where, name = self.resolve(package, go)
        return where.split('.')[-1] + '.' + name

    def message_symbol(self, key):
        package, name = key
        parts = package.split('.')
        return 'm_%s_%s_%s' % (parts[-2], parts[-1], name)

    def string_list(self, values):
        values = tuple(values)
        if values not in self.lists:
            self.lists[values] = 'l_%d' % len(self.lists)
        return self.lists[values]

    def add(self, symbol, **members):
        if symbol in self.nodes:
            return symbol
        self.nodes[symbol] = members
        self.order.append(symbol)
        return symbol

    def node(self, package, go):
        """The symbol of the schema of a Go type without its pointer."""
        go = go.lstrip('*')
        printed = self.printed(package, go)
        symbol = 't_' + ''.join(c if c.isalnum() else '_%02x' % ord(c) for c in package.split('.')[-2] + ' ' + printed)
        if go in SCALARS:
            kind, form, fmt, _ = SCALARS[go]
            return self.add('t_' + ''.join(c if c.isalnum() else '_' for c in go), type='SCHEMA_' + kind,
                            form='FORM_' + form, go_type=c_string(printed), format=c_string(fmt))
        if go.startswith('[]'):
            items = self.node(package, go[2:])
            return self.add(symbol, type='SCHEMA_ARRAY', go_type=c_string(printed), items='&' + items)
        if go.startswith('map['):
            value = self.node(package, go[go.index(']') + 1:])
            return self.add(symbol, type='SCHEMA_OBJECT', go_type=c_string(printed), additional='&' + value)
        where, name = self.resolve(package, go)
        if printed in FORMS and where not in ('k8s.io.api.core.v1',):
            kind, form, fmt, openapi = FORMS[printed]
            return self.add('f_' + form, type='SCHEMA_' + kind, form='FORM_' + form, go_type=c_string(printed),
                            go_name=c_string(name), name=c_string(openapi), format=c_string(fmt))
        if (where, name) in self.messages:
            return self.message(where, name)
        if (where, name) in NAMED:
            inner = NAMED[where, name]
            key = 'additional' if inner.startswith('map[') else 'items'
            element = self.node(where, inner[inner.index(']') + 1:])
            label = '%s.%s' % ('.'.join(where.split('.')[-2:]), name)
            return self.add('n_%s_%s' % (where.split('.')[-2], name), go_type=c_string(printed),
                            type='SCHEMA_OBJECT' if key == 'additional' else 'SCHEMA_ARRAY',
                            hook=self.hook(label), **{key: '&' + element})
        if name in STRING_LISTS:
            return self.add('n_%s_%s' % (where.split('.')[-2], name), type='SCHEMA_ARRAY', form='FORM_STRING_LIST',
                            go_type=c_string(printed), items='&' + self.node(package, 'string'))
        if where == APIEXT and name in APIEXT_FORMS:
            form, items = APIEXT_FORMS[name]
            if items:
                items = self.message(where, items)
            return self.add('n_%s_%s' % (where.split('.')[-2], name), type='SCHEMA_ANY', form='FORM_' + form,
                            go_type=c_string(printed), go_name=c_string(name), name=c_string(self.openapi_name(where, name)),
                            items='&' + items if items else 'NULL')
        if name == 'CustomResourceSubresourceStatus':
            return self.add('n_' + name, type='SCHEMA_OBJECT', go_type=c_string(printed), go_name=c_string(name),
                            name=c_string(self.openapi_name(where, name)))
        values = self.enums.get((where, name))
        return self.add('t_' + ''.join(c if c.isalnum() else '_%02x' % ord(c)
                                       for c in where.split('.')[-2 if '.' in where else 0] + ' ' + printed),
                        type='SCHEMA_STRING', go_type=c_string(printed),
                        values=self.string_list(values) if values else 'NULL')

    def openapi_name(self, package, name):
        return 'io.' + 'k8s.' + package[len('k8s.io.'):].replace('_', '-') + '.' + name

    # ---- messages -----------------------------------------------------------------------------
    def flat(self, package, name, via=()):
        """The fields of a message with the inlined ones in their place."""
        for cells in self.messages[package, name]:
            json, number, go = cells[:3]
            if json != '(inline)':
                yield package, via, cells
                continue
            where, inner = self.resolve(package, go)
            if number:
                yield from self.flat(where, inner, via + (int(number),))
            else:                                # TypeMeta: an envelope says it in protobuf
                for w, v, c in self.flat(where, inner, via):
                    yield w, v, [c[0], ''] + c[2:]

    def message(self, package, name):
        symbol = self.message_symbol((package, name))
        if symbol in self.nodes:
            return symbol
        members = self.add(symbol) and self.nodes[symbol]
        fields = []
        label = '%s.%s' % ('.'.join(package.split('.')[-2:]), name)
        for where, via, cells in self.flat(package, name):
            fields.append(self.field(symbol, label, where, via, cells))
        order = sorted(range(len(fields)), key=lambda i: fields[i]['name'])
        numbers = sorted((i for i in range(len(fields)) if fields[i]['number']), key=lambda i: fields[i]['_wire_path'])
        members.update(type='SCHEMA_OBJECT', go_type=c_string(self.printed(package, name)), go_name=c_string(name),
                       name=c_string(self.openapi_name(package, name)), _fields=fields, _order=order,
                       _numbers=numbers,
                       map_atomic='true' if (package, name) in self.atomic else None,
                       union_of=c_string(self.unions.get((package, name))),
                       hook=self.hook(label))
        return symbol

    def hook(self, label):
        return 'HOOK_' + self.hooks[label].upper() if label in self.hooks else None

    def field(self, owner, label, package, via, cells):
        json, number, go, flags, strategy, key, list_type, list_keys, default = cells
        node = self.node(package, go)
        wire = SCALARS[go.lstrip('*')][3] if go.lstrip('*') in SCALARS else 2
        element = go.lstrip('*')
        if element.startswith('[]') and element[2:] in SCALARS and element != '[]byte':
            wire = SCALARS[element[2:]][3]
        strategies = ['PATCH_STRATEGY_' + {'merge': 'MERGE', 'replace': 'REPLACE', 'retainKeys': 'RETAIN_KEYS'}[s]
                      for s in strategy.split(',') if s]
        fill = self.fills.get((label, json))
        if fill:
            self.used_fills.add((label, json))
        elif default and (go.startswith('*') or default not in ('""', '0', 'false')):
            fill = default
        pointer = go.startswith('*')
        return dict(name=json, _node=node, number=number or None, via='{ %s }' % ', '.join(map(str, via)) if via else None,
                    wire=wire or None, _wire_path=tuple(via) + (int(number or 0),), required='true' if 'r' in flags or not set('opz') & set(flags) else None,
                    undocumented='true' if 'u' in flags else None,
                    omitempty='true' if 'o' in flags else None, pointer='true' if pointer else None,
                    omitzero='true' if 'z' in flags else None, gated='true' if 'g' in flags else None,
                    keeps_empty='true' if (package == APIEXT and element.startswith('[]')) or json == 'managedFields' else None,
                    default_json=c_string(default) if default else None, fill_json=c_string(fill) if fill else None,
                    list_type={'': None, 'atomic': 'LIST_ATOMIC', 'set': 'LIST_SET', 'map': 'LIST_MAP'}[list_type],
                    map_atomic='true' if 'a' in flags else None, map_granular='true' if 'm' in flags else None,
                    list_keys=self.string_list(list_keys.split(',')) if list_keys else None,
                    patch_merge_key=c_string(key) if key else None, patch_strategy=' | '.join(strategies) or None)

    # ---- what has defaults below it -------------------------------------------------------------
    def mark_fills(self):
        marked = set()
        for s, m in self.nodes.items():
            if m.get('hook') or any(f['fill_json'] for f in m.get('_fields', ())):
                marked.add(s)
        grew = True
        while grew:
            grew = False
            for s, m in self.nodes.items():
                below = [f['_node'] for f in m.get('_fields', ())]
                below += [m[k][1:] for k in ('items', 'additional') if m.get(k, 'NULL') != 'NULL']
                if s not in marked and any(b in marked for b in below):
                    marked.add(s)
                    grew = True
        for s in marked:
            self.nodes[s]['fills'] = 'true'

    # ---- output ---------------------------------------------------------------------------------
    def kinds(self):
        for (package, name), fields in self.messages.items():
            if any(c[0] == '(inline)' and c[2].endswith('TypeMeta') for c in fields):
                yield group_of(package), package.split('.')[-1], name, self.message_symbol((package, name))

    def write(self, out):
        for key in self.messages:
            self.message(*key)
        self.mark_fills()
        unused = (set(self.fills) - self.used_fills)
        if unused:
            sys.exit('defaults for unknown fields: %s' % sorted(unused))
        w = out.write
        w('/* Made by kube/types/generate.py. */\n#include "kube/types_priv.h"\n\n')
        for values, symbol in self.lists.items():
            w('static const char *const %s[] = { %s, NULL };\n' % (symbol, ', '.join('"%s"' % v for v in values)))
        for s in self.order:
            w('static const struct schema %s;\n' % s)
        for s in self.order:
            m = self.nodes[s]
            fields = m.get('_fields')
            if fields:
                w('static const struct schema_field %s_f[] = {\n' % s)
                for f in fields:
                    body = ['.name = "%s"' % f['name'], '.schema = &%s' % f['_node']]
                    body += ['.%s = %s' % (k, v) for k, v in f.items() if v is not None and k != 'name' and not k.startswith('_')]
                    w('    { %s },\n' % ', '.join(body))
                w('};\nstatic const uint16_t %s_n[] = { %s };\n' % (s, ', '.join(map(str, m['_order']))))
                if m['_numbers']:
                    w('static const uint16_t %s_w[] = { %s };\n' % (s, ', '.join(map(str, m['_numbers']))))
            body = ['.%s = %s' % (k, v) for k, v in m.items() if v is not None and v != 'NULL' and not k.startswith('_')]
            if fields:
                body += ['.fields = %s_f' % s, '.by_name = %s_n' % s, '.n_fields = %d' % len(fields)]
                if m['_numbers']:
                    body += ['.by_number = %s_w' % s, '.n_numbers = %d' % len(m['_numbers'])]
            w('static const struct schema %s = { %s };\n' % (s, ', '.join(body)))
        kinds = sorted(self.kinds())
        w('\nconst struct type_row types_rows[] = {\n')
        for g, v, k, s in kinds:
            w('    { "%s", "%s", "%s", &%s },\n' % (g, v, k, s))
        w('};\nconst size_t types_n_rows = %d;\n' % len(kinds))
        named = sorted((m['name'], s) for s, m in self.nodes.items() if m.get('name', 'NULL') != 'NULL')
        w('\nconst struct schema *const types_named[] = {\n')
        for name, s in named:
            w('    &%s,\n' % s)
        w('};\nconst size_t types_n_named = %d;\n' % len(named))


def main():
    types, enums, defaults, target = sys.argv[1:]
    with open(target, 'w') as out:
        Generator(types, enums, defaults).write(out)


if __name__ == '__main__':
    main()
