import { parseDocument } from 'yaml';
import { InputError } from '../lib/errors.js';
import { expandHosts } from './host-range.js';
import { AnsibleSource, VAULTED, type AnsibleVariable } from './source.js';

type Mapping = Readonly<Record<string, unknown>>;

/** Plain data of a YAML file of Ansible; what Vault has encrypted is `VAULTED`. */
export function readAnsibleYaml(text: string, file: string): unknown {
  const document = parseDocument(text, {
    logLevel: 'error',
    customTags: [
      { tag: '!vault', resolve: () => VAULTED },
      { tag: '!unsafe', resolve: (value: string) => value },
    ],
  });
  const [error] = document.errors;
  if (error === undefined) return document.toJS() as unknown;
  throw new InputError({ kind: 'ansible/yaml', message: `${file}: not valid YAML: ${error.message.split('\n')[0] ?? ''}` });
}

/** Reads an inventory in YAML: groups with `hosts`, `children` and `vars`. */
export function parseYaml(text: string, file: string): AnsibleSource {
  const data = readAnsibleYaml(text, file);
  if (!isMapping(data)) throw new InputError({ kind: 'ansible/yaml', message: `${file}: must hold a mapping of groups` });
  if (data['plugin'] !== undefined || data['_meta'] !== undefined) {
    throw new InputError({
      kind: 'ansible/dynamic',
      message: `${file} ${data['plugin'] === undefined ? 'is what a script gives' : `configures the inventory plugin ${String(data['plugin'])}`}, and lists no hosts itself`,
      hint: `let Ansible list them: ansible-inventory -i ${file} --list --yaml --output hosts.yml`,
    });
  }
  const source = new AnsibleSource();
  for (const [name, group] of Object.entries(data)) addGroup(source, name, group, file);
  return source;
}

function addGroup(source: AnsibleSource, name: string, group: unknown, file: string): void {
  const made = source.group(name);
  if (group === null) return;
  if (!isMapping(group)) {
    source.notes.push(`${file}: group ${name} is no mapping`);
    return;
  }
  for (const [key, value] of Object.entries(group)) {
    const members = isMapping(value) ? value : {};
    if (key === 'hosts') addHosts(source, name, members, file);
    else if (key === 'vars') for (const [variable, given] of Object.entries(members)) made.vars.set(variable, { value: given, at: file });
    else if (key === 'children') {
      for (const [child, inner] of Object.entries(members)) {
        made.children.add(child);
        addGroup(source, child, inner, file);
      }
    } else source.notes.push(`${file}: group ${name}: ${key} is none of hosts, children and vars`);
  }
}

function addHosts(source: AnsibleSource, group: string, hosts: Mapping, file: string): void {
  for (const [pattern, vars] of Object.entries(hosts)) {
    const names = expandHosts(pattern);
    const own = Object.entries(isMapping(vars) ? vars : {}).map(([key, value]): [string, AnsibleVariable] => [key, { value, at: file }]);
    if (names === undefined) source.notes.push(`${file}: not a range of hosts: ${pattern}`);
    for (const name of names ?? []) source.addHost(group, name, own);
  }
}

/** Whether a value is a mapping, such as variables are. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
