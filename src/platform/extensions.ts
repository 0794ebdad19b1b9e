import type { Platform } from './platform.js';

/**
 * The parts of names of PGDG's packages that bring an extension: on Debian `postgresql-17-cron`, on EL `pg_cron_17`. Those of the server's own
 * packages and of contrib are not here, because they come with the server.
 */
const PACKAGES: Readonly<Record<string, { debian: string; el: string }>> = {
  citus: { debian: 'citus', el: 'citus' },
  h3: { debian: 'h3', el: 'h3-pg' },
  hll: { debian: 'hll', el: 'hll' },
  hypopg: { debian: 'hypopg', el: 'hypopg' },
  ip4r: { debian: 'ip4r', el: 'ip4r' },
  orafce: { debian: 'orafce', el: 'orafce' },
  pg_cron: { debian: 'cron', el: 'pg_cron' },
  pg_hint_plan: { debian: 'pg-hint-plan', el: 'pg_hint_plan' },
  pg_ivm: { debian: 'pg-ivm', el: 'pg_ivm' },
  pg_partman: { debian: 'partman', el: 'pg_partman' },
  pg_qualstats: { debian: 'pg-qualstats', el: 'pg_qualstats' },
  pg_repack: { debian: 'repack', el: 'pg_repack' },
  pg_similarity: { debian: 'similarity', el: 'pg_similarity' },
  pg_squeeze: { debian: 'squeeze', el: 'pg_squeeze' },
  pg_stat_kcache: { debian: 'pg-stat-kcache', el: 'pg_stat_kcache' },
  pgaudit: { debian: 'pgaudit', el: 'pgaudit' },
  pglogical: { debian: 'pglogical', el: 'pglogical' },
  pgtap: { debian: 'pgtap', el: 'pgtap' },
  periods: { debian: 'periods', el: 'periods' },
  prefix: { debian: 'prefix', el: 'prefix' },
  rum: { debian: 'rum', el: 'rum' },
  semver: { debian: 'semver', el: 'semver' },
  set_user: { debian: 'set-user', el: 'set_user' },
  tds_fdw: { debian: 'tds-fdw', el: 'tds_fdw' },
  vector: { debian: 'pgvector', el: 'pgvector' },
};

/** Extensions that come with the server, but in a package of their own. */
const OF_THE_SERVER: Readonly<Record<string, { debian: string; el: string }>> = {
  plperl: { debian: 'plperl', el: 'plperl' },
  plpython3u: { debian: 'plpython3', el: 'plpython3' },
  pltcl: { debian: 'pltcl', el: 'pltcl' },
};

/**
 * The packages that bring an extension for a major version; empty for one that comes with the server, and for one that pgprov does not know.
 * Source: the names of packages in PGDG's repositories.
 */
export function extensionPackages(family: Platform['family'], version: number, extension: string): string[] {
  const [own, server] = [PACKAGES[extension], OF_THE_SERVER[extension]];
  const of = (kind: 'debian' | 'el'): string[] => [
    ...(own === undefined ? [] : [kind === 'debian' ? `postgresql-${version}-${own.debian}` : `${own.el}_${version}`]),
    ...(server === undefined ? [] : [kind === 'debian' ? `postgresql-${server.debian}-${version}` : `postgresql${version}-${server.el}`]),
  ];
  return of(family);
}
