import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** What the directory of a project of Ansible has. */
const PROJECT = ['ansible.cfg', 'roles', 'playbooks', '.git'];

/**
 * The directories whose group_vars and host_vars Ansible reads: that of the inventory, and those where the playbooks probably are, which win.
 * An inventory is often one or two directories below its playbooks, as `inventories/production/hosts.yml` is.
 */
export function variableDirectories(inventory: string): string[] {
  const beside = dirname(inventory);
  const above = [beside, join(beside, '..'), join(beside, '..', '..')];
  const project =
    above.find((directory) => PROJECT.some((name) => existsSync(join(directory, name)))) ??
    above.find((directory) => resolve(directory) === process.cwd());
  return [...new Set([beside, ...(project === undefined ? [] : [project, join(project, 'playbooks')])])];
}

/** The file of a directory of group_vars or host_vars, or all files of a directory, that are named like a group or host. */
export function variableFiles(directory: string, kind: 'group_vars' | 'host_vars', name: string): string[] {
  const path = join(directory, kind, name);
  const files = ['', '.yml', '.yaml', '.json'].map((extension) => `${path}${extension}`).filter((file) => existsSync(file));
  return files.flatMap((file) => (statSync(file).isDirectory() ? filesIn(file) : [file]));
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /^[^.~]+(?:\.(?:ya?ml|json))?$/u.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
