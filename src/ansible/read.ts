import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../lib/errors.js';
import { quote } from '../lib/shell-word.js';
import { variableDirectories, variableFiles } from './beside.js';
import { systemReason } from '../lib/system-reason.js';
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
      hint: `let Ansible list its hosts: ansible-inventory -i ${quote(file)} --list --yaml --output hosts.yml`,
    });
  }
  if (VAULT_FILE.test(text))
    throw new InputError({
      kind: 'ansible/vault',
      message: `${file} is encrypted with Ansible Vault`,
      hint: `decrypt it to another file first: ansible-vault decrypt --output hosts.yml ${quote(file)}`,
    });
  const source = isYaml(file, text) ? parseYaml(text, file) : parseIni(text, file);
  source.group('all');
  for (const directory of variableDirectories(file)) {
    for (const [name, { vars }] of source.groups) addFiles(source, variableFiles(directory, 'group_vars', name), vars);
    for (const [name, vars] of source.hosts) addFiles(source, variableFiles(directory, 'host_vars', name), vars);
  }
  return source;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EISDIR') throw isDirectory(file);
    const message = code === 'ENOENT' ? 'there is no such file' : `cannot be read: ${systemReason(cause)}`;
    throw new InputError({ kind: 'ansible/unreadable', message: `${file}: ${message}`, cause });
  }
}

/** Ansible takes a directory as an inventory too, and reads all files in it. */
function isDirectory(path: string): InputError {
  const files = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^[.]|~$|\.(?:cfg|md|orig|bak|retry|pyc|txt)$/u.test(entry.name))
    .map(({ name }) => join(path, name));
  return new InputError({
    kind: 'ansible/unreadable',
    message: `${path} is a directory`,
    hint: files.length === 0 ? 'name the file that lists the hosts' : `name the file in it that lists the hosts: ${files.join(', ')}`,
  });
}

function isYaml(file: string, text: string): boolean {
  if (/\.(?:ya?ml|json)$/u.test(file)) return true;
  const first = text.split(/\r?\n/u).find((line) => line.trim() !== '' && !/^\s*[#;]/u.test(line)) ?? '';
  return first.startsWith('---') || /^[\w.-]+:\s*(?:#.*)?$/u.test(first);
}

function addFiles(source: AnsibleSource, files: readonly string[], vars: AnsibleVariables): void {
  for (const file of files) {
    const text = textOf(file);
    if (VAULT_FILE.test(text)) {
      source.notes.push(`${file}: encrypted with Ansible Vault, nothing of it was taken`);
      continue;
    }
    try {
      const data = readAnsibleYaml(text, file);
      for (const [key, value] of Object.entries(isMapping(data) ? data : {})) vars.set(key, { value, at: file });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      source.notes.push(`${error.message}; nothing of it was taken`);
    }
  }
}
