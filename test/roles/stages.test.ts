import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CATALOG } from '../../roles/index.js';
import { debian12, debian13 } from '../../src/platform/debian.js';
import { rocky8, rocky9 } from '../../src/platform/el.js';
import { PLATFORMS, type Platform } from '../../src/platform/index.js';
import type { Inventory } from '../../src/model/index.js';
import { buildPlan } from '../../src/plan/plan.js';
import type { Stage } from '../../src/plan/role.js';
import { joinHostWork, buildHostWork, type HostWork, type RunStage } from '../../src/plan/host-work.js';
import { localServer } from '../../src/plan/local-server.js';
import { takersOf } from '../../src/plan/takers.js';
import { pathText, type PathState } from '../../src/resources/files/path.js';
import type { Resource } from '../../src/resources/resource.js';
import { contextOf, hostOf, inventoryOf, THREE } from '../support/inventory.js';

const shapeOf = (inventory: Inventory, name: string, platform: Platform = debian13): HostWork =>
  buildHostWork(CATALOG, contextOf(inventory, name, platform));
const ids = (shape: HostWork): string[] => shape.stages.map(({ id }) => id);

function resourceOf(shape: HostWork, id: string): Resource {
  const found = shape.stages.flatMap(({ stage }) => stage.resources).find((resource) => resource.id === id);
  if (found === undefined) throw new Error(`no ${id}`);
  return found;
}

/** What a file is to hold, which its diff against nothing shows. */
function contentOf(shape: HostWork, path: string): string {
  const state: PathState = { type: 'absent' };
  const [change] = resourceOf(shape, `file:${path}`).diff(state);
  return change?.after ?? '';
}

const three = await inventoryOf(THREE);
const PATRONI_HOST = [
  'base/prepare',
  'firewall/open',
  'pgdg/repository',
  'postgresql/packages',
  'etcd/configure',
  'etcd/start',
  'etcd/join',
  'patroni/configure',
  'patroni/correct',
  'patroni/start',
  'patroni/enable',
  'patroni/settle',
  'patroni/in-force',
];

describe.each(PLATFORMS)('stages on $title', (platform) => {
  it.each(['pg1', 'pg2', 'pg3'])('are these, in order, for %s', (host) =>
    expect(ids(shapeOf(three, host, platform))).toEqual(PATRONI_HOST),
  );

  it('are these for a server without Patroni', async () => {
    const alone = await inventoryOf('cluster: one\nroles: [base, pgdg, postgresql, replication]\nhosts: {db: {address: 192.0.2.1}}\n');
    expect(ids(shapeOf(alone, 'db', platform))).toEqual([
      'base/prepare',
      'pgdg/repository',
      'postgresql/packages',
      'postgresql/cluster',
      'postgresql/configure',
      'postgresql/start',
      'replication/accounts',
    ]);
  });

  it.each(['pg1', 'db'])('have resources that each host has once (%s)', async (name) => {
    const inventory =
      name === 'pg1'
        ? three
        : await inventoryOf('cluster: one\nroles: [base, pgdg, postgresql, replication]\nhosts: {db: {address: 192.0.2.1}}\n');
    // A host joins etcd, or is started as one of its members.
    const stages = shapeOf(inventory, name, platform).stages.filter(({ id }) => id !== 'etcd/join');
    const all = stages.flatMap(({ stage }) => stage.resources.map(({ id }) => id));
    const twice = all.filter((id, index) => all.indexOf(id) !== index);
    expect(twice).toEqual([]);
  });

  it('install the platform’s packages', () => {
    const { stages } = shapeOf(three, 'pg1', platform);
    const installs = stages
      .flatMap(({ stage }) => stage.resources)
      .filter(({ id }) => id.startsWith('packages:'))
      .flatMap((resource) => resource.diff({}).map(({ summary }) => summary));
    expect(installs).toEqual([
      `install ${platform.prerequisites.join(' ')}`,
      `install ${[...platform.postgresql(17).serverPackages, ...platform.etcd.packages, ...platform.patroni.packages, ...platform.etcd.patroniPackages].join(' ')}`,
    ]);
  });

  const { serverPackages } = platform.postgresql(17);
  it.each<{ roles: string[]; id: string; title: string; packages: readonly string[]; disable: string }>([
    {
      roles: ['postgresql', 'etcd', 'patroni'],
      id: 'postgresql/packages',
      title: 'install PostgreSQL 17, etcd and Patroni',
      packages: [...serverPackages, ...platform.etcd.packages, ...platform.patroni.packages, ...platform.etcd.patroniPackages],
      disable: 'etcd patroni',
    },
    {
      roles: ['etcd', 'patroni'],
      id: 'etcd/packages',
      title: 'install etcd and Patroni',
      packages: [...platform.etcd.packages, ...platform.patroni.packages, ...platform.etcd.patroniPackages],
      disable: 'etcd patroni',
    },
    { roles: ['etcd'], id: 'etcd/packages', title: 'install etcd', packages: platform.etcd.packages, disable: 'etcd' },
    {
      roles: ['patroni'],
      id: 'patroni/packages',
      title: 'install Patroni',
      packages: [...platform.patroni.packages, ...platform.etcd.patroniPackages],
      disable: 'patroni',
    },
    {
      roles: ['postgresql', 'replication'],
      id: 'postgresql/packages',
      title: 'install PostgreSQL 17',
      packages: serverPackages,
      disable: '',
    },
  ])(
    'install what $roles need in one transaction, and keep their units from starting at boot',
    ({ roles, id, title, packages, disable }) => {
      const aimed = CATALOG.filter(({ name }) => roles.includes(name));
      const [first, ...others] = buildHostWork(aimed, contextOf(three, 'pg2', platform)).stages;
      expect([first?.id, first?.stage.title]).toEqual([id, title]);
      const resource = first?.stage.resources.at(-1);
      expect(resource?.diff({}).map(({ summary }) => summary)).toEqual([`install ${packages.join(' ')}`]);
      const [, kept = ''] = /^for unit in (.*); do systemctl -q is-active/mu.exec(resource?.apply([], {}).text ?? '') ?? [];
      expect(kept).toBe(disable);
      expect(others.flatMap(({ stage }) => stage.resources).filter((other) => other.id.startsWith('packages:'))).toEqual([]);
    },
  );

  it('start the platform’s units, and enable Patroni at boot only when it has its data', () => {
    const { stages } = shapeOf(three, 'pg1', platform);
    const units = stages.flatMap(({ id, stage }) =>
      stage.resources.filter((resource) => /^(?:service|enabled):/u.test(resource.id)).map((resource) => `${id} ${resource.id}`),
    );
    expect(units).toEqual([
      'etcd/start service:etcd',
      'etcd/join service:etcd',
      'patroni/start service:patroni',
      'patroni/enable enabled:patroni',
    ]);
  });

  it('know which package brings a missing unit', async () => {
    const alone = await inventoryOf('cluster: one\nroles: [base, pgdg, postgresql]\nhosts: {db: {address: 192.0.2.1}}\n');
    const {
      unit,
      serverPackages: [server = ''],
      unitPackage,
    } = platform.postgresql(17);
    const command = platform.packageManager === 'apt' ? 'apt-get install --reinstall' : 'dnf reinstall';
    const gone = { loaded: false, enabled: false, active: 'inactive', applied: undefined };
    for (const { shape, service, with: installed, package: name } of [
      { shape: shapeOf(three, 'pg1', platform), service: 'etcd', with: platform.etcd.packages[0], package: platform.etcd.packages[0] },
      {
        shape: shapeOf(three, 'pg1', platform),
        service: 'patroni',
        with: platform.patroni.packages[0],
        package: platform.patroni.packages[0],
      },
      { shape: shapeOf(alone, 'db', platform), service: unit('main'), with: server, package: unitPackage },
    ]) {
      const resource = resourceOf(shape, `service:${service}`);
      const obstacle = (state: object): string | undefined => resource.obstacle?.(gone, new Map([['packages:postgresql', state]]))?.advice;
      expect([obstacle({}), obstacle({ [installed ?? '']: '1' })], service).toEqual([
        undefined,
        `\`${command} ${name}\` there brings it back; then run again`,
      ]);
    }
  });

  it('put files where the platform’s services look for them', () => {
    const shape = shapeOf(three, 'pg2', platform);
    const { etcd, patroni } = platform;
    expect(contentOf(shape, etcd.environmentFile)).toContain(`ETCD_PEER_KEY_FILE="${etcd.tlsDirectory}/node.key"\n`);
    expect(parse(contentOf(shape, patroni.configFile))).toMatchObject({
      etcd3: { cacert: `${patroni.tlsDirectory}/ca.crt` },
      postgresql: {
        data_dir: platform.postgresql(17).dataDirectory('main'),
        bin_dir: platform.postgresql(17).binDirectory,
        pgpass: `${platform.postgresql(17).home}/.pgpass_patroni`,
        parameters: { unix_socket_directories: platform.postgresql(17).socketDirectory },
      },
    });
    for (const [directory, user] of [
      [etcd.tlsDirectory, 'etcd'],
      [patroni.tlsDirectory, 'postgres'],
    ]) {
      expect(resourceOf(shape, `file:${directory}/node.key`).diff({ type: 'absent' })[0]?.summary).toBe(
        `write ${directory}/node.key (${user}:${user} 0600)`,
      );
    }
  });

  it('fetch the repository’s key for the host’s architecture, or take the given one', async () => {
    const { keyPath, keys } = platform.pgdg;
    const text = resourceOf(shapeOf(three, 'pg1', platform), `signing-key:${keyPath}`).apply([], { type: 'absent' }).text;
    for (const { url, fingerprint } of keys) expect(text).toContain(`url=${url} pinned=${fingerprint}`);
    const given = await inventoryOf(`${THREE}pgdg: {key: "-----BEGIN PGP PUBLIC KEY BLOCK-----\\n\\nx\\n"}\n`);
    expect(resourceOf(shapeOf(given, 'pg1', platform), `signing-key:${keyPath}`).apply([], { type: 'absent' }).text).not.toContain('url=');
  });

  it('fetch a mirror’s key once, whatever the architecture', async () => {
    const mirror = await inventoryOf(`${THREE}pgdg: {key_url: 'http://m/k.asc', key_fingerprint: '${'A'.repeat(40)}'}\n`);
    const text = resourceOf(shapeOf(mirror, 'pg1', platform), `signing-key:${platform.pgdg.keyPath}`).apply([], { type: 'absent' }).text;
    expect(text).toContain(`url=http://m/k.asc pinned=${'A'.repeat(40)}\n`);
    expect(text).not.toContain('uname');
  });
});

describe.each([debian12, debian13])('packages on $title', (platform) => {
  it('belong to the platform’s own release', async () => {
    const text = contentOf(shapeOf(three, 'pg1', platform), '/etc/postgresql-common/createcluster.conf');
    expect(text).toContain('create_main_cluster = false');
    // Where the file were not there first, installing a server would make a cluster.
    const { resources = [] } = shapeOf(three, 'pg1', platform).stages.find(({ id }) => id === 'postgresql/packages')?.stage ?? {};
    expect(resources.map(({ id }) => id)).toEqual([
      'directory:/etc/postgresql-common',
      'file:/etc/postgresql-common/createcluster.conf',
      'packages:postgresql',
    ]);
    const source = (inventory: Inventory): string | undefined =>
      resourceOf(shapeOf(inventory, 'pg1', platform), 'apt-repository:pgdg').diff({ file: { type: 'absent' }, listed: false })[0]?.after;
    expect(source(three)).toContain(`URIs: https://apt.postgresql.org/pub/repos/apt\nSuites: ${platform.pgdg.release}-pgdg\n`);
    expect(source(await inventoryOf(`${THREE}pgdg: {base_url: 'http://m/apt//'}\n`))).toContain('URIs: http://m/apt\n');
  });
});

describe.each([rocky8, rocky9])('packages on $title', (platform) => {
  const PATH = '/etc/yum.repos.d/pgdg-pgprov.repo';
  const addresses = (inventory: Inventory, name: string): string[] =>
    contentOf(shapeOf(inventory, name, platform), PATH)
      .split('\n')
      .flatMap((line) => /^(?:baseurl=| +)(.*)/u.exec(line)?.[1] ?? []);
  const { release } = platform.pgdg;
  const system = `redhat/rhel-${release}-$basearch`;
  const own = 'https://download.postgresql.org/pub/repos/yum';

  it('come from the repositories that the host’s roles need', async () => {
    expect(contentOf(shapeOf(three, 'pg1', platform), PATH).match(/^\[.*\]$/gmu)).toEqual([
      '[pgprov-pgdg-common]',
      '[pgprov-pgdg17]',
      '[pgprov-pgdg-extras]',
    ]);
    expect(addresses(three, 'pg1')).toEqual([
      `${own}/common/${system}`,
      `${own}/17/${system}`,
      `${own}/extras/${system}`,
      `${own}/common/pgdg-rhel${release}-extras/${system}`,
    ]);
    const alone = await inventoryOf(
      'cluster: one\nroles: [base, pgdg, postgresql]\nhosts: {db: {address: 192.0.2.1}}\npostgresql: {version: 16}\n',
    );
    expect(addresses(alone, 'db')).toEqual([`${own}/common/${system}`, `${own}/16/${system}`]);
  });

  it('can come from a mirror of the same layout', async () => {
    const mirror = await inventoryOf(`${THREE}pgdg: {base_url: 'http://m/yum/'}\n`);
    expect(addresses(mirror, 'pg1')).toEqual(addresses(three, 'pg1').map((url) => url.replace(own, 'http://m/yum')));
  });

  it('are signed by a key that rpm trusts too, and not hidden by a module', () => {
    const [, ...resources] = shapeOf(three, 'pg1', platform).stages.find(({ id }) => id === 'pgdg/repository')?.stage.resources ?? [];
    expect(resources.map(({ id }) => id)).toEqual([`rpm-key:${platform.pgdg.keyPath}`, `file:${PATH}`, 'dnf-module:postgresql']);
    expect(
      contentOf(shapeOf(three, 'pg1', platform), PATH)
        .split('\n')
        .filter((line) => line === `gpgkey=file://${platform.pgdg.keyPath}`),
    ).toHaveLength(3);
  });

  it('come from CRB and EPEL as well when asked to', async () => {
    const wanted = await inventoryOf(`${THREE}pgdg: {crb: true, epel: true}\n`);
    const all = shapeOf(wanted, 'pg1', platform)
      .stages.find(({ id }) => id === 'pgdg/repository')
      ?.stage.resources.map(({ id }) => id);
    expect(all?.slice(-2)).toEqual([`dnf-repository:${release === '8' ? 'powertools' : 'crb'}`, 'packages:epel']);
  });
});

describe.each([rocky8, rocky9])('only $title', (platform) => {
  const labels = (inventory: Inventory, name = 'pg1'): string[] =>
    shapeOf(inventory, name, platform)
      .stages.flatMap(({ stage }) => stage.resources.map(({ id }) => id))
      .filter((id) => id.startsWith('selinux-'));

  it('lets Patroni’s unit count as started without a notification', () => {
    expect(contentOf(shapeOf(three, 'pg1', platform), '/etc/systemd/system/patroni.service.d/pgprov.conf')).toMatch(
      /^# Managed by pgprov.*\n\[Service\]\nType=simple\n$/u,
    );
  });

  it('makes no directory that etcd’s package keeps closed', () => {
    const all = shapeOf(three, 'pg1', platform).stages.flatMap(({ stage }) => stage.resources.map(({ id }) => id));
    expect(all).not.toContain('directory:/etc/etcd');
    expect(all).toContain('directory:/etc/pki/etcd');
  });

  it.each([
    { yaml: '', expected: [] },
    { yaml: 'postgresql: {port: 5432}\n', expected: [] },
    { yaml: 'postgresql: {port: 5433}\n', expected: ['selinux-port:5433'] },
    { yaml: 'postgresql: {data_dir: /srv/pg/}\n', expected: ['selinux-directory:/srv/pg'] },
  ])('labels for SELinux what the policy does not know: $yaml', async ({ yaml, expected }) => {
    expect(labels(await inventoryOf(`${THREE}${yaml}`))).toEqual(expected);
    expect(
      labels(await inventoryOf(`cluster: one\nroles: [base, pgdg, postgresql]\nhosts: {db: {address: 192.0.2.1}}\n${yaml}`), 'db'),
    ).toEqual(expected);
  });

  it('passes the data directory to the unit of a server without Patroni before it is started', async () => {
    const alone = await inventoryOf(
      'cluster: one\nroles: [base, pgdg, postgresql]\nhosts: {db: {address: 192.0.2.1}}\npostgresql: {data_dir: /var/lib/pgsql/17/other}\n',
    );
    const shape = shapeOf(alone, 'db', platform);
    expect(contentOf(shape, '/etc/systemd/system/postgresql-17.service.d/pgprov.conf')).toBe(
      '# Managed by pgprov: changes made here are undone by the next `pgprov apply`.\n[Service]\nEnvironment=PGDATA=/var/lib/pgsql/17/other\n',
    );
    expect(contentOf(shape, '/var/lib/pgsql/17/other/conf.d/pgprov.conf')).toContain("port = '5432'\n");
    const made = resourceOf(shape, 'pg-cluster:/var/lib/pgsql/17/other').apply([], { kind: 'absent' }).text;
    expect(made).toContain(
      "PGSETUP_INITDB_OPTIONS='--data-checksums --encoding=UTF8 --locale=C.UTF-8 --lc-messages=C --auth-local=peer --auth-host=scram-sha-256' /usr/pgsql-17/bin/postgresql-17-setup initdb pgprov-initdb",
    );
    const moved = await inventoryOf('cluster: one\nroles: [base, pgdg, postgresql]\nhosts: {db: {address: 192.0.2.1}}\n');
    const digest = (inventory: Inventory): string => resourceOf(shapeOf(inventory, 'db', platform), 'service:postgresql-17').digest();
    expect(digest(alone)).not.toBe(digest(moved));
    const further = await inventoryOf(
      'cluster: one\nroles: [base, pgdg, postgresql]\nhosts: {db: {address: 192.0.2.1}}\npostgresql: {name: other}\n',
    );
    const copy = resourceOf(shapeOf(further, 'db', platform), 'unit-copy:/etc/systemd/system/postgresql-17-other.service');
    expect(copy.apply([], 'absent').text).toContain('Environment=PGDATA=/var/lib/pgsql/17/other');
  });
});

describe('a data directory', () => {
  it.each(PLATFORMS.flatMap((platform) => ['/srv/pg', '/srv/pg/', '/srv/pg//'].map((path) => ({ path, platform, title: platform.title }))))(
    'has one name everywhere, as $path on $title',
    async ({ path, platform }) => {
      const inventory = await inventoryOf(
        `${THREE}  alone: {address: 192.0.2.9, roles: [base, pgdg, postgresql]}\npostgresql: {data_dir: ${path}}\n`,
      );
      expect(contentOf(shapeOf(inventory, 'pg1', platform), platform.patroni.configFile)).toContain('"/srv/pg"\n');
      for (const name of ['pg1', 'alone']) {
        const { stages } = shapeOf(inventory, name, platform);
        expect(
          stages
            .flatMap(({ stage }) => stage.resources.map(({ id }) => id))
            .filter((id) => id.includes('/srv/pg/') && !/\/(?:conf\.d|pg_hba\.conf)/u.test(id)),
        ).toEqual([]);
      }
    },
  );
});

describe('crossings', () => {
  it('start services in a rolling way, and Patroni’s leader first', () => {
    const rolling = shapeOf(three, 'pg1').stages.filter(({ stage }) => stage.crossing === 'rolling');
    expect(
      rolling.map(({ id, stage }) => ({ id, first: stage.startsFirst !== undefined, gates: stage.gates?.map((gate) => gate.id) ?? [] })),
    ).toEqual([
      { id: 'etcd/start', first: false, gates: ['gate:etcd-quorum'] },
      { id: 'etcd/join', first: false, gates: ['gate:etcd-quorum'] },
      { id: 'patroni/start', first: true, gates: ['gate:patroni-member', 'gate:patroni-settings', 'gate:access-lines'] },
      { id: 'patroni/in-force', first: false, gates: ['gate:patroni-taken', 'gate:settings-in-force'] },
    ]);
  });

  it('let one host change the configuration, the first whose Patroni answers, whichever hosts a run selects', () => {
    const taker = (answering: readonly string[], hosts: readonly string[], isOut: (host: string) => boolean = () => false): string[] => {
      const shapes = new Map(hosts.map((name) => [name, shapeOf(three, name)]));
      const stage = joinHostWork(CATALOG, shapes).find(({ id }) => id === 'patroni/settle') as RunStage;
      const states = new Map(
        hosts.map((name) => [
          name,
          new Map([
            [
              'patroni-config:demo',
              { stuck: false, malformed: false, rest: answering.includes(name) ? { answers: true, current: {} } : { answers: false } },
            ],
          ]),
        ]),
      );
      const changes = buildPlan([stage], states);
      const planned = [...new Set(changes.map(({ host }) => host))];
      const takers = takersOf(stage, states, isOut).map(([host]) => host);
      if (!hosts.some(isOut)) expect(planned).toEqual(answering.length === 0 ? [] : takers);
      return takers;
    };
    const all = ['pg1', 'pg2', 'pg3'];
    expect(taker(all, all)).toEqual(['pg1']);
    expect(taker(all, ['pg2', 'pg3'])).toEqual(['pg2']);
    expect(taker(['pg3'], all)).toEqual(['pg3']);
    expect(taker([], all)).toEqual(['pg1']);
    expect(taker(all, all, (host) => host === 'pg1')).toEqual(['pg2']);
    expect(taker(all, ['pg1'], () => true)).toEqual([]);
    // Every member is to have taken it up before the run is over.
    const last = (name: string): Stage | undefined => shapeOf(three, name).stages.at(-1)?.stage;
    expect(all.map((name) => last(name)?.gates?.map(({ id }) => id))).toEqual(
      all.map(() => ['gate:patroni-taken', 'gate:settings-in-force']),
    );
    expect(all.map((name) => last(name)?.crossing)).toEqual(all.map(() => 'rolling'));
  });
});

describe('etcd', () => {
  const settings = (inventory: Inventory, name: string): Record<string, string> =>
    Object.fromEntries(
      contentOf(shapeOf(inventory, name), '/etc/default/etcd')
        .split('\n')
        .slice(1)
        .filter((line) => line !== '')
        .map((line): [string, string] => {
          const [, key = '', value = ''] = /^(\w+)="(.*)"$/u.exec(line) ?? [];
          return [key, value];
        }),
    );

  it('is configured with exact content', () => {
    expect(contentOf(shapeOf(three, 'pg2'), '/etc/default/etcd')).toMatchInlineSnapshot(`
      "# Managed by pgprov: changes made here are undone by the next \`pgprov apply\`.
      ETCD_NAME="pg2"
      ETCD_DATA_DIR="/var/lib/etcd/demo"
      ETCD_LISTEN_CLIENT_URLS="https://10.0.0.2:2379,https://127.0.0.1:2379"
      ETCD_ADVERTISE_CLIENT_URLS="https://10.0.0.2:2379"
      ETCD_LISTEN_PEER_URLS="https://10.0.0.2:2380"
      ETCD_INITIAL_ADVERTISE_PEER_URLS="https://10.0.0.2:2380"
      ETCD_INITIAL_CLUSTER="pg1=https://10.0.0.1:2380,pg2=https://10.0.0.2:2380,pg3=https://10.0.0.3:2380"
      ETCD_INITIAL_CLUSTER_STATE="new"
      ETCD_INITIAL_CLUSTER_TOKEN="demo"
      ETCD_CERT_FILE="/etc/etcd/tls/node.crt"
      ETCD_KEY_FILE="/etc/etcd/tls/node.key"
      ETCD_TRUSTED_CA_FILE="/etc/etcd/tls/ca.crt"
      ETCD_CLIENT_CERT_AUTH="true"
      ETCD_PEER_CERT_FILE="/etc/etcd/tls/node.crt"
      ETCD_PEER_KEY_FILE="/etc/etcd/tls/node.key"
      ETCD_PEER_TRUSTED_CA_FILE="/etc/etcd/tls/ca.crt"
      ETCD_PEER_CLIENT_CERT_AUTH="true"
      ETCD_HEARTBEAT_INTERVAL="100"
      ETCD_ELECTION_TIMEOUT="1000"
      ETCD_QUOTA_BACKEND_BYTES="2147483648"
      ETCD_AUTO_COMPACTION_MODE="periodic"
      ETCD_AUTO_COMPACTION_RETENTION="1h"
      ETCD_LOGGER="zap"
      "
    `);
  });

  it.each([
    {
      title: 'other ports',
      yaml: `${THREE}etcd: {client_port: 12379, peer_port: 12380}\n`,
      expected: { ETCD_ADVERTISE_CLIENT_URLS: 'https://10.0.0.1:12379', ETCD_LISTEN_PEER_URLS: 'https://10.0.0.1:12380' },
    },
    {
      title: 'IPv6',
      yaml: 'cluster: demo\nhosts:\n  pg1: {address: "fd00::1"}\n  pg2: {address: "fd00::2"}\n  pg3: {address: "fd00::3"}\n',
      expected: {
        ETCD_ADVERTISE_CLIENT_URLS: 'https://[fd00::1]:2379',
        ETCD_INITIAL_CLUSTER: 'pg1=https://[fd00::1]:2380,pg2=https://[fd00::2]:2380,pg3=https://[fd00::3]:2380',
      },
    },
    {
      title: 'names',
      yaml: 'cluster: demo\nhosts:\n  pg1: {address: a.example}\n  pg2: {address: b.example}\n  pg3: {address: c.example}\n',
      expected: { ETCD_ADVERTISE_CLIENT_URLS: 'https://a.example:2379', ETCD_LISTEN_CLIENT_URLS: 'https://0.0.0.0:2379' },
    },
    {
      title: 'another data directory',
      yaml: `${THREE}etcd: {data_dir: '/srv/$x \`y\`/etcd'}\n`,
      expected: { ETCD_DATA_DIR: '/srv/\\$x \\`y\\`/etcd' },
    },
  ])('follows $title', async ({ yaml, expected }) => expect(settings(await inventoryOf(yaml), 'pg1')).toMatchObject(expected));

  it('has members that agree on their list', () => {
    const all = ['pg1', 'pg2', 'pg3'].map((name) => settings(three, name)['ETCD_INITIAL_CLUSTER']);
    expect(new Set(all).size).toBe(1);
  });
});

describe('patroni.yml', () => {
  const yamlOf = (inventory: Inventory, name: string): Record<string, unknown> =>
    parse(contentOf(shapeOf(inventory, name), '/etc/patroni/config.yml')) as Record<string, unknown>;

  it('is YAML with everything that Patroni requires', () => {
    expect(yamlOf(three, 'pg2')).toEqual({
      scope: 'demo',
      namespace: '/service/',
      name: 'pg2',
      restapi: {
        listen: '0.0.0.0:8008',
        connect_address: '10.0.0.2:8008',
        authentication: { username: 'patroni', password: 'made-for-patroni.restapi_password' },
      },
      etcd3: {
        hosts: ['10.0.0.2:2379', '10.0.0.1:2379', '10.0.0.3:2379'],
        protocol: 'https',
        cacert: '/etc/patroni/tls/ca.crt',
        cert: '/etc/patroni/tls/node.crt',
        key: '/etc/patroni/tls/node.key',
      },
      bootstrap: {
        dcs: {
          ttl: 30,
          loop_wait: 10,
          retry_timeout: 10,
          maximum_lag_on_failover: 1048576,
          synchronous_mode: false,
          synchronous_mode_strict: false,
          postgresql: {
            use_pg_rewind: true,
            use_slots: true,
            parameters: { wal_level: 'replica', hot_standby: 'on', wal_log_hints: 'on', password_encryption: 'scram-sha-256' },
          },
          pgprov: {
            set: expect.arrayContaining([
              ['ttl'],
              ['postgresql', 'parameters', 'wal_level'],
              ['postgresql', 'parameters'],
              ['postgresql'],
            ]) as unknown[],
          },
        },
        initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }, { 'lc-messages': 'C' }, 'data-checksums'],
      },
      postgresql: {
        listen: '*:5432',
        connect_address: '10.0.0.2:5432',
        data_dir: '/var/lib/postgresql/17/main',
        bin_dir: '/usr/lib/postgresql/17/bin',
        pgpass: '/var/lib/postgresql/.pgpass_patroni',
        basebackup: [{ checkpoint: 'fast' }],
        use_unix_socket: true,
        authentication: {
          superuser: { username: 'postgres', password: 'made-for-postgresql.superuser_password' },
          replication: { username: 'replicator', password: 'made-for-replication.password' },
          rewind: { username: 'rewind_user', password: 'made-for-patroni.rewind_password' },
        },
        parameters: { unix_socket_directories: '/var/run/postgresql' },
        pg_hba: expect.any(Array) as unknown[],
      },
      watchdog: { mode: 'automatic', device: '/dev/watchdog' },
      tags: {},
    });
  });

  it('lets members in by their addresses, with pgprov’s own lines first', async () => {
    const inventory = await inventoryOf(`${THREE}postgresql: {hba: ['host app app 10.0.0.0/24 scram-sha-256']}\n`);
    const { postgresql } = yamlOf(inventory, 'pg1') as { postgresql: { pg_hba: string[] } };
    expect(postgresql.pg_hba).toMatchInlineSnapshot(`
      [
        "local all postgres peer",
        "host replication replicator 127.0.0.1/32 scram-sha-256",
        "host all rewind_user 127.0.0.1/32 scram-sha-256",
        "host all postgres 127.0.0.1/32 scram-sha-256",
        "host replication replicator ::1/128 scram-sha-256",
        "host all rewind_user ::1/128 scram-sha-256",
        "host all postgres ::1/128 scram-sha-256",
        "host replication replicator 10.0.0.1/32 scram-sha-256",
        "host all rewind_user 10.0.0.1/32 scram-sha-256",
        "host all postgres 10.0.0.1/32 scram-sha-256",
        "host replication replicator 10.0.0.2/32 scram-sha-256",
        "host all rewind_user 10.0.0.2/32 scram-sha-256",
        "host all postgres 10.0.0.2/32 scram-sha-256",
        "host replication replicator 10.0.0.3/32 scram-sha-256",
        "host all rewind_user 10.0.0.3/32 scram-sha-256",
        "host all postgres 10.0.0.3/32 scram-sha-256",
        "host app app 10.0.0.0/24 scram-sha-256",
        "local all all peer",
        "local replication all peer",
        "host all all 127.0.0.1/32 scram-sha-256",
        "host all all ::1/128 scram-sha-256",
      ]
    `);
  });

  it('lets a superuser of another name in on the socket, beside the user’s own map', async () => {
    const inventory = await inventoryOf(
      `${THREE}postgresql: {superuser: dbadmin}\npatroni: {dynamic: {postgresql: {pg_ident: ['staff ann app']}}}\n`,
    );
    const { postgresql } = yamlOf(inventory, 'pg1') as { postgresql: { pg_hba: string[]; pg_ident: string[] } };
    expect(postgresql.pg_hba[0]).toBe('local all dbadmin peer map=pgprov');
    expect(postgresql.pg_ident).toEqual(['pgprov postgres dbadmin', 'staff ann app']);
    const { host, platform } = contextOf(inventory, 'pg1');
    expect(localServer(host, platform).superuser).toBe('dbadmin');
    expect(localServer(hostOf(await inventoryOf(THREE), 'pg1'), platform)).not.toHaveProperty('superuser');
  });

  it('provides a locale that hosts may lack ahead of the cluster', async () => {
    const inventory = await inventoryOf(`${THREE}postgresql: {locale: de_DE.UTF-8}\n`);
    const ids = shapeOf(inventory, 'pg1').stages.map(({ id }) => id);
    expect(ids.indexOf('postgresql/locale')).toBeGreaterThan(ids.indexOf('postgresql/packages'));
    expect(ids.indexOf('postgresql/locale')).toBeLessThan(ids.indexOf('patroni/start'));
    expect(shapeOf(await inventoryOf(THREE), 'pg1').stages.map(({ id }) => id)).not.toContain('postgresql/locale');
  });

  const hostile = `it's "q" \\n {{x}} #no: [a] & * ! % @ \` ü ✓ 😀`;
  it('keeps hostile values unchanged', async () => {
    const inventory = await inventoryOf(`${THREE}postgresql:
  parameters: {log_line_prefix: ${JSON.stringify(hostile)}, yes: 'on', shared_buffers: 1GB, work_mem: 5, jit: false, empty: ''}
  superuser_password: {env: HOME}
patroni:
  dynamic: {postgresql: {pre_promote: ${JSON.stringify(`${hostile}\nand a second line`)}}, failsafe_mode: true}
  tags: {nofailover: true, why: ${JSON.stringify(hostile)}}
`);
    const text = contentOf(shapeOf(inventory, 'pg1'), '/etc/patroni/config.yml');
    const found = parse(text) as {
      bootstrap: { dcs: { failsafe_mode: boolean; postgresql: { parameters: object; pre_promote: string } } };
      tags: object;
      postgresql: { authentication: { superuser: { password: string } } };
    };
    expect(found.bootstrap.dcs.postgresql.parameters).toMatchObject({
      log_line_prefix: hostile,
      yes: 'on',
      shared_buffers: '1GB',
      work_mem: 5,
      jit: false,
      empty: '',
    });
    expect(found.bootstrap.dcs.postgresql.pre_promote).toBe(`${hostile}\nand a second line`);
    expect(found.tags).toEqual({ nofailover: true, why: hostile });
    expect(found.postgresql.authentication.superuser.password).toBe('/home/op');
  });

  // Patroni reads its file with PyYAML, to which these are "special characters [that] are not allowed".
  it.each(['\u0080', '\u009f'])('writes no %j, which PyYAML refuses', async (character) => {
    const inventory = await inventoryOf(`${THREE}postgresql: {parameters: {application_name: ${JSON.stringify(`a${character}b`)}}}\n`);
    expect(contentOf(shapeOf(inventory, 'pg1'), '/etc/patroni/config.yml')).not.toContain(character);
  });

  it('gives each host its own values', async () => {
    const inventory = await inventoryOf(
      THREE.replace('cluster_address: 10.0.0.2}', 'cluster_address: 10.0.0.2, postgresql: {parameters: {work_mem: 9MB}}}') +
        'postgresql: {parameters: {work_mem: 5MB, max_connections: 50}}\n',
    );
    const parametersOf = (name: string): object[] => {
      const found = yamlOf(inventory, name) as {
        postgresql: { parameters: object };
        bootstrap: { dcs: { postgresql: { parameters: object } } };
      };
      return [found.postgresql.parameters, found.bootstrap.dcs.postgresql.parameters];
    };
    expect(parametersOf('pg1')).toMatchObject([{ work_mem: '5MB' }, { max_connections: 50 }]);
    expect(parametersOf('pg2')).toMatchObject([{ work_mem: '9MB' }, { max_connections: 50 }]);
    expect(parametersOf('pg2')[1]).not.toHaveProperty('work_mem');
  });

  it('leaves the options of a base backup to the inventory when it sets them', async () => {
    const given = yamlOf(await inventoryOf(`${THREE}patroni: {dynamic: {postgresql: {basebackup: [verbose]}}}\n`), 'pg1');
    expect(given['postgresql']).not.toHaveProperty('basebackup');
    expect(given).toMatchObject({ bootstrap: { dcs: { postgresql: { basebackup: ['verbose'] } } } });
  });

  it('omits the watchdog’s device when there is none', async () => {
    expect(yamlOf(await inventoryOf(`${THREE}patroni: {watchdog: 'off'}\n`), 'pg1')['watchdog']).toEqual({ mode: 'off' });
  });

  it('is no reason to reload when only its bootstrap section changed', async () => {
    const [before, after] = [three, await inventoryOf(`${THREE}patroni: {ttl: 40}\n`)].map((inventory) =>
      resourceOf(shapeOf(inventory, 'pg1'), 'service:patroni').digest(),
    );
    expect(after).toBe(before);
    const other = resourceOf(shapeOf(await inventoryOf(`${THREE}patroni: {tags: {a: 1}}\n`), 'pg1'), 'service:patroni').digest();
    expect(other).not.toBe(before);
  });
});

describe('other files', () => {
  it('include the members in /etc/hosts', async () => {
    const state: PathState = { type: 'file', owner: 'root', group: 'root', mode: '0644', content: Buffer.from('127.0.0.1 localhost\n') };
    const [change] = resourceOf(shapeOf(three, 'pg1'), 'file:/etc/hosts').diff(state);
    expect(change?.after).toBe('127.0.0.1 localhost\n# BEGIN pgprov demo\n10.0.0.1 pg1\n10.0.0.2 pg2\n10.0.0.3 pg3\n# END pgprov demo\n');
    expect(pathText(state)).toBe('127.0.0.1 localhost\n');
    const off = await inventoryOf(`${THREE}base: {manage_hosts_file: false, prerequisites: []}\n`);
    expect(shapeOf(off, 'pg1').stages[0]?.stage.resources).toEqual([]);
  });

  it('keep keys readable by their services alone', () => {
    for (const [service, user] of [
      ['etcd', 'etcd'],
      ['patroni', 'postgres'],
    ] as const) {
      const [change] = resourceOf(shapeOf(three, 'pg1'), `file:/etc/${service}/tls/node.key`).diff({ type: 'absent' });
      expect(change).toEqual({ action: 'create', summary: `write /etc/${service}/tls/node.key (${user}:${user} 0600)` });
    }
  });

  it('show no password in any diff', () => {
    const shown = shapeOf(three, 'pg1').stages.flatMap(({ stage }) =>
      stage.resources
        .filter(({ id }) => /^file:/u.test(id) && !id.endsWith('config.yml'))
        .flatMap((resource) => resource.diff({ type: 'absent' })),
    );
    expect(JSON.stringify(shown)).not.toContain('made-for-');
  });

  it('include parameters of a server without Patroni', async () => {
    const alone = await inventoryOf(`cluster: one
roles: [base, pgdg, postgresql]
hosts: {db: {address: 192.0.2.1}}
postgresql: {port: 5433, parameters: {log_line_prefix: "it's \\\\n", work_mem: 5MB}}
`);
    expect(contentOf(shapeOf(alone, 'db'), '/etc/postgresql/17/main/conf.d/pgprov.conf')).toBe(
      "# Managed by pgprov: changes made here are undone by the next `pgprov apply`.\nport = '5433'\nlisten_addresses = '*'\n" +
        "log_line_prefix = 'it''s \\\\n'\nwork_mem = '5MB'\n",
    );
  });
});
