import { enumerate, topologyOf, type Host, type SynchronousOptions, type RoleContext, type VariableProblem } from '../../../src/index.js';
import { dataDirectoryOf, localServer } from '../layout.js';
import { standaloneCluster } from '../standalone.js';
import { variables } from '../variables.js';
import { streamingServers } from './servers.js';

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

/** Names that are no standby's, and more of them than there are. */
export function synchronousProblems(hosts: readonly Host[]): VariableProblem[] {
  return hosts.slice(0, 1).flatMap((host): VariableProblem[] => {
    const { synchronous, synchronous_number: number } = variables(host, 'replication');
    if (synchronous.length === 0) return [];
    const at = { host, path: 'replication.synchronous' };
    if (topologyOf(host) !== 'streaming') {
      const hint = topologyOf(host) === 'patroni' ? 'set patroni.synchronous_mode' : 'leave it out';
      return [{ ...at, message: 'is for servers that stream without Patroni, which these are not', hint }];
    }
    const servers = streamingServers(hosts).map(({ name }) => name);
    const unknown = synchronous.filter((name) => !servers.includes(name));
    if (unknown.length > 0)
      return [{ ...at, message: `names ${enumerate(unknown)}, which is none of the servers`, hint: `it can be ${enumerate(servers)}` }];
    const standbys = synchronous.filter((name) => name !== servers[0]).length;
    if (number <= standbys) return [];
    const message = `is ${number}, and there are ${standbys} standbys to wait for`;
    return [{ host, path: 'replication.synchronous_number', message, hint: 'name more hosts in replication.synchronous, or lower it' }];
  });
}
