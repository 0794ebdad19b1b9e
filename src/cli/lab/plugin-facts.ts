import { existsSync, readFileSync } from 'node:fs';
import { InputError } from '../../lib/errors.js';
import type { Machine, VagrantSettings } from './machine.js';

/** What the Vagrant plugin writes, see inventory/vagrant/pgprov.rb. */
interface PluginFile {
  machines: { name: string; id: string | null; running: boolean; address: string | null; ssh_config: string | null }[];
  inventory: string | false | null;
  groups: Record<string, unknown>;
  host_vars: Record<string, unknown>;
}

/** The file of the plugin, in the directory of the lab. */
export const PLUGIN_FILE = 'lab.json';

/** What the plugin told last. */
export interface PluginFacts {
  /** Undefined where machines came or went without the plugin, so that Vagrant has to be asked. */
  machines?: Machine[];
  settings: VagrantSettings;
}

/**
 * Reads what the Vagrant plugin told last; nothing where there is no plugin.
 * @param ids of the machines that exist now
 * @throws InputError when the file cannot be understood
 */
export function readPluginFacts(file: string, ids: ReadonlyMap<string, string>): PluginFacts {
  if (!existsSync(file)) return { settings: {} };
  const { machines, inventory, groups, host_vars: hostVars } = parse(file);
  const settings = { groups, hostVars, ...(inventory === null ? {} : { inventory }) };
  if (machines.some(({ name, id }) => (ids.get(name) ?? null) !== id)) return { settings };
  return {
    settings,
    machines: machines.map(
      ({ name, id, running, address, ssh_config: sshConfig }): Machine => ({
        name,
        running,
        ...(id === null ? {} : { id }),
        ...(address === null ? {} : { address }),
        ...(sshConfig === null ? {} : { sshConfig }),
      }),
    ),
  };
}

function parse(file: string): PluginFile {
  try {
    const facts = JSON.parse(readFileSync(file, 'utf8')) as PluginFile;
    if (Array.isArray(facts.machines)) return facts;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new InputError({
    kind: 'vagrant/plugin-file',
    message: `${file} is not what the Vagrant plugin writes`,
    hint: 'delete it; the next `vagrant up` or `vagrant provision` writes it anew',
  });
}
