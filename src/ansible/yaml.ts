import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { InputError } from '../lib/errors.js';
import { quote } from '../lib/shell-word.js';
import { yamlErrorWords } from '../lib/yaml-words.js';
import { expandHosts } from './host-range.js';
import { AnsibleSource, VAULTED, type AnsibleVariable } from './source.js';

type Mapping = Readonly<Record<string, unknown>>;

/**
 * Plain data of a YAML file of Ansible; what Vault has encrypted is `VAULTED`.
 * @throws InputError without a word of the file, which may hold passwords
 */
export function readAnsibleYaml(text: string, file: string): unknown {
  const document = parseDocument(text, {
    logLevel: 'error',
    merge: true,
    // As with Ansible, the last one counts.
    uniqueKeys: false,
    customTags: [
      { tag: '!vault', resolve: () => VAULTED },
      { tag: '!unsafe', resolve: (value: string) => value },
    ],
  });
  try {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS() as unknown;
  } catch (error) {
    throw new InputError({ kind: 'ansible/yaml', message: `${file}: not valid YAML: ${yamlErrorWords(error)}` });
  }
}

/** Reads an inventory in YAML: groups with `hosts`, `children` and `vars`. */
export function parseYaml(text: string, file: string): AnsibleSource {
  const data = readAnsibleYaml(text, file);
  if (!isMapping(data)) throw new InputError({ kind: 'ansible/yaml', message: `${file}: must hold a mapping of groups` });
  if (data['plugin'] !== undefined || data['_meta'] !== undefined) {
    const what = data['plugin'] === undefined ? 'is what a script gives' : 'configures an inventory plugin';
    throw new InputError({
      kind: 'ansible/dynamic',
      message: `${file} ${what}, and lists no hosts itself`,
      hint: `let Ansible list them: ansible-inventory -i ${quote(file)} --list --yaml --output hosts.yml`,
    });
  }
  if (data['instances'] !== undefined && data['architecture'] !== undefined) {
    throw new InputError({
      kind: 'ansible/tpa',
      message: `${file} is a configuration of TPA, and not the inventory that TPA makes of it`,
      hint: `name that one: ${quote(join(dirname(file), 'inventory'))}/00-…, which \`tpaexec provision\` writes`,
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
    if (['hosts', 'vars', 'children'].includes(key) && value !== null && !isMapping(value)) {
      source.notes.push(`${file}: group ${name}: ${key} must be a mapping, as Ansible wants it; nothing of it was taken`);
    }
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
    if (names === undefined) source.notes.push(`${file}: group ${group}: a key of hosts is not a range, which is such as pg[1:3]`);
    for (const name of names ?? []) source.addHost(group, name, own);
  }
}

/** Whether a value is a mapping, such as variables are. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
