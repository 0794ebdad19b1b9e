import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../lib/errors.js';
import { parseIni } from './ini.js';
import type { AnsibleSource, AnsibleVariables } from './source.js';
import { isMapping, parseYaml, readAnsibleYaml } from './yaml.js';

const VAULT_FILE = /^\$ANSIBLE_VAULT;/u;

/**
 * Reads an inventory of Ansible, in INI or YAML, and the group_vars and host_vars beside it.
 * @throws InputError for a file that is none
 */
export function readAnsible(file: string): AnsibleSource {
  const text = textOf(file);
  if (text.startsWith('#!')) {
    throw new InputError({
      kind: 'ansible/dynamic',
      message: `${file} is a program`,
      hint: `let Ansible list its hosts: ansible-inventory -i ${file} --list --yaml --output hosts.yml`,
    });
  }
  if (VAULT_FILE.test(text))
    throw new InputError({
      kind: 'ansible/vault',
      message: `${file} is encrypted with Ansible Vault`,
      hint: 'decrypt it to another file first: ansible-vault decrypt --output hosts.yml',
    });
  const source = isYaml(file, text) ? parseYaml(text, file) : parseIni(text, file);
  source.group('all');
  const beside = dirname(file);
  for (const [name, { vars }] of source.groups) addFiles(source, join(beside, 'group_vars', name), vars);
  for (const [name, vars] of source.hosts) addFiles(source, join(beside, 'host_vars', name), vars);
  return source;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'is a directory; name one file in it' : `cannot be read: ${code}`;
    throw new InputError({ kind: 'ansible/unreadable', message: `${file}: ${message}`, cause });
  }
}

function isYaml(file: string, text: string): boolean {
  if (/\.(?:ya?ml|json)$/u.test(file)) return true;
  const first = text.split(/\r?\n/u).find((line) => line.trim() !== '' && !/^\s*[#;]/u.test(line)) ?? '';
  return first.startsWith('---') || /^[\w.-]+:\s*(?:#.*)?$/u.test(first);
}

/** Variables from a file named like the group or host, with or without extension, or from all files of a directory. */
function addFiles(source: AnsibleSource, path: string, vars: AnsibleVariables): void {
  const files = ['', '.yml', '.yaml', '.json'].map((extension) => `${path}${extension}`).filter((name) => existsSync(name));
  for (const file of files.flatMap((name) => (statSync(name).isDirectory() ? filesIn(name) : [name]))) {
    const text = textOf(file);
    if (VAULT_FILE.test(text)) source.notes.push(`${file}: encrypted with Ansible Vault, nothing of it was taken`);
    else {
      const data = readAnsibleYaml(text, file);
      for (const [key, value] of Object.entries(isMapping(data) ? data : {})) vars.set(key, { value, at: file });
    }
  }
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /^[^.~]+(?:\.(?:ya?ml|json))?$/u.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
