import type { Host, SynchronousOptions, RoleContext } from '../../../src/index.js';
import { dataDirectoryOf, localServer } from '../layout.js';
import { standaloneCluster } from '../standalone.js';
import { variables } from '../variables.js';

/** The standbys that commits wait for while a host is the primary, and how many of them; none: they wait for nobody. */
export function synchronousOf(host: Host): { names: readonly string[]; number: number } {
  const { synchronous, synchronous_number } = variables(host, 'replication');
  const names = synchronous.filter((name) => name !== host.name);
  return { names, number: Math.min(synchronous_number, names.length) };
}

/** What brings that about on a host. */
export function synchronousOptions(context: RoleContext): SynchronousOptions {
  const { host, platform } = context;
  const { user: owner, group } = platform.postgresql(variables(host, 'postgresql').version);
  const { names, number } = synchronousOf(host);
  const method = variables(host, 'replication').synchronous_method.toUpperCase();
  return {
    server: localServer(host, platform),
    data: dataDirectoryOf(host, platform),
    path: `${standaloneCluster(context).configDirectory}/conf.d/pgprov-synchronous.conf`,
    ownership: { owner, group, mode: '0644' },
    wanted: names.length === 0 ? '' : `${method} ${number} (${names.map(quoted).join(', ')})`,
    names,
  };
}

/** A name as PostgreSQL reads it in the list. */
function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/u.test(name) ? name : `"${name}"`;
}
