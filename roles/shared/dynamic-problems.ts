import { didYouMean, type Host, type VariableProblem } from '../../src/index.js';
import { DYNAMIC_PROPERTIES } from './sections/dynamic.js';
import { variables } from './variables.js';

/** What must not stand in the dynamic configuration because each member's own file gives it, by what to set instead. */
const LOCAL: Readonly<Record<string, string>> = {
  pg_hba: 'give access lines in postgresql.hba',
  listen: 'Patroni takes it from the member’s own file, which pgprov writes',
  connect_address: 'Patroni takes it from the member’s own file; set the host’s cluster_address',
  proxy_address: 'Patroni takes it from the member’s own file, which pgprov writes',
  data_dir: 'set postgresql.data_dir',
  config_dir: 'Patroni takes it from the member’s own file, which pgprov writes',
  bin_dir: 'set postgresql.version',
  pgpass: 'Patroni takes it from the member’s own file, which pgprov writes',
  authentication: 'set the names and passwords of the roles postgresql, replication and patroni',
  use_unix_socket: 'pgprov sets it in the member’s own file',
};

/** What in `patroni.dynamic.postgresql` Patroni would not read: what a member's own file gives, and keys that are no method's. */
export function dynamicProblems(hosts: readonly Host[]): VariableProblem[] {
  return hosts.flatMap((host) => {
    const postgresql = (variables(host, 'patroni').dynamic['postgresql'] ?? {}) as Readonly<Record<string, unknown>>;
    const known = Object.keys(DYNAMIC_PROPERTIES['postgresql']?.properties ?? {});
    const methods = (postgresql['create_replica_methods'] ?? []) as readonly string[];
    return Object.keys(postgresql)
      .filter((key) => !known.includes(key) && !methods.includes(key))
      .map((key): VariableProblem => {
        const path = leafPath(host, `patroni.dynamic.postgresql.${key}`);
        const instead = Object.hasOwn(LOCAL, key) ? LOCAL[key] : undefined;
        if (instead !== undefined) return { host, path, message: 'has no effect in the dynamic configuration', hint: instead };
        return {
          host,
          path,
          message: 'unknown key',
          hint: didYouMean(key, known) ?? `known here: ${known.join(', ')}, and what create_replica_methods lists`,
        };
      });
  });
}

/** Provenance is kept for leaves; the first one below a mapping stands for it. */
function leafPath(host: Host, path: string): string {
  return [...host.provenance.keys()].find((leaf) => leaf === path || leaf.startsWith(`${path}.`)) ?? path;
}
