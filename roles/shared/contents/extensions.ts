import { extensionPackages, type Platform } from '../../../src/index.js';
import { variables } from '../variables.js';
import type { Host } from '../../../src/index.js';

/** Libraries that the server must have loaded at its start before these extensions can be made; their own installation scripts or `_PG_init` say so. */
const PRELOADED: ReadonlyMap<string, string> = new Map([
  ['citus', 'citus'],
  ['pg_cron', 'pg_cron'],
  ['pgaudit', 'pgaudit'],
  ['timescaledb', 'timescaledb'],
]);

/** The library that an extension needs loaded at the server's start; undefined: none. */
export function preloadOf(extension: string): string | undefined {
  return PRELOADED.get(extension);
}

/** What is installed on a host for the extensions of its databases. */
export function packagesOfExtensions({ host, platform }: { host: Host; platform: Platform }): string[] {
  const { version, databases } = variables(host, 'postgresql');
  const all = Object.values(databases).flatMap(({ extensions = {} }) =>
    Object.entries(extensions).flatMap(([name, { packages }]) => packages ?? extensionPackages(platform.family, version, name)),
  );
  return [...new Set(all)];
}
