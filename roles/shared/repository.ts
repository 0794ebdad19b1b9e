import {
  aptRepository,
  dnfEnabledRepository,
  dnfModuleDisabled,
  dnfRepositories,
  rpmKey,
  signingKey,
  type DnfRepository,
  type Host,
  type PinnedKey,
  type Platform,
  type Resource,
  type RoleContext,
} from '../../src/index.js';
import { clientVersion } from './layout.js';
import { installed, lockTimeout } from './packages.js';
import { isHolding } from './programs.js';
import { STORES } from './stores.js';
import { variables } from './variables.js';

/** The keys that a host trusts for PGDG's repository: the platform's, with what the inventory says in their place. */
export function pinnedKeys(host: Host, platform: Platform): PinnedKey[] {
  const { key_url, key_fingerprint } = variables(host, 'pgdg');
  const { keys } = platform.pgdg;
  // A mirror's own key is one key, whatever the architecture.
  const meant = key_fingerprint === undefined ? keys : keys.filter(({ architecture }) => architecture === undefined);
  return meant.map((key) => ({ ...key, url: key_url ?? key.url, fingerprint: key_fingerprint ?? key.fingerprint }));
}

/** PGDG's repository as the host's package manager takes it. */
export function repositoryResources(context: RoleContext): Resource[] {
  const { host, platform } = context;
  const { key } = variables(host, 'pgdg');
  const signing = signingKey({
    path: platform.pgdg.keyPath,
    keys: pinnedKeys(host, platform),
    manager: platform.packageManager,
    ...(key === undefined ? {} : { armored: key }),
  });
  return platform.packageManager === 'apt' ? [signing, aptSource(context)] : [signing, ...dnfSources(context)];
}

function baseUrl({ host, platform }: RoleContext): string {
  return (variables(host, 'pgdg').base_url ?? platform.pgdg.baseUrl).replace(/\/+$/u, '');
}

function aptSource(context: RoleContext): Resource {
  const { release, keyPath } = context.platform.pgdg;
  return aptRepository({
    name: 'pgdg',
    uri: baseUrl(context),
    suite: `${release}-pgdg`,
    components: ['main'],
    signedBy: keyPath,
    ...lockTimeout(context.host),
  });
}

function dnfSources(context: RoleContext): Resource[] {
  const { host, platform } = context;
  const { crb, epel } = variables(host, 'pgdg');
  const { keyPath, release } = platform.pgdg;
  return [
    rpmKey({ path: keyPath, fingerprints: pinnedKeys(host, platform).map(({ fingerprint }) => fingerprint) }),
    dnfRepositories({
      name: 'pgdg-pgprov',
      repositories: dnfRepositoriesOf(context),
      keyPath,
      kept: keptPackages(context),
      ...lockTimeout(host),
    }),
    dnfModuleDisabled('postgresql', lockTimeout(host)),
    ...(crb ? [dnfEnabledRepository(release === '8' ? 'powertools' : 'crb')] : []),
    ...(epel ? [installed(context, { name: 'epel', packages: ['epel-release'] })] : []),
  ];
}

/** Where the inventory has packages on hold: all of PostgreSQL's major version, of Patroni and of a store that is in PGDG's extras. */
function keptPackages(context: RoleContext): string[] {
  const { host, platform } = context;
  if (isHolding(host) !== true) return [];
  const has = (role: string): boolean => host.roles.includes(role);
  return [
    ...(has('postgresql') ? [`postgresql${variables(host, 'postgresql').version}*`] : []),
    ...(has('patroni') ? platform.patroni.packages.map((name) => `${name}*`) : []),
    ...STORES.flatMap((store) => (store.inExtras && has(store.role) ? store.serverPackages(context).map((name) => `${name}*`) : [])),
  ];
}

/** What is common, the major version, and the extras for a store that is there; only what the host's roles need. */
function dnfRepositoriesOf(context: RoleContext): DnfRepository[] {
  const { host, platform } = context;
  const { release } = platform.pgdg;
  const base = baseUrl(context);
  const system = `redhat/rhel-${release}-$basearch`;
  const has = (role: string): boolean => host.roles.includes(role);
  const version = has('postgresql') ? variables(host, 'postgresql').version : clientVersion(context.inventory);
  return [
    { id: 'pgprov-pgdg-common', title: 'PostgreSQL common packages (pgprov)', urls: [`${base}/common/${system}`] },
    ...(version !== undefined && (has('postgresql') || has('pgbouncer'))
      ? [{ id: `pgprov-pgdg${version}`, title: `PostgreSQL ${version} (pgprov)`, urls: [`${base}/${version}/${system}`] }]
      : []),
    ...(STORES.some(({ role, inExtras }) => inExtras && has(role))
      ? [
          {
            id: 'pgprov-pgdg-extras',
            title: 'PostgreSQL extra packages (pgprov)',
            // The second is where it was before PGDG moved it, and where an older mirror still has it.
            urls: [`${base}/extras/${system}`, `${base}/common/pgdg-rhel${release}-extras/${system}`],
          },
        ]
      : []),
  ];
}
