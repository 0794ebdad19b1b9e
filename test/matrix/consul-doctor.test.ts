import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { must } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import type { LabHost } from '../lab/index.js';
import { expired } from '../support/expired.js';
import { patience } from '../support/patience.js';

const ROLES = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'consul', 'patroni'];
const TLS = '/etc/consul.d/tls';
const SETTINGS = [
  'CONSUL_HTTP_ADDR=https://127.0.0.1:8501',
  `CONSUL_CACERT=${TLS}/ca.crt`,
  `CONSUL_CLIENT_CERT=${TLS}/node.crt`,
  `CONSUL_CLIENT_KEY=${TLS}/node.key`,
  `CONSUL_HTTP_TOKEN_FILE=${TLS}/management.token`,
].join(' ');

interface Found {
  diagnosis: string;
  host?: string;
  what: string;
  mend: string;
  consequences: { diagnosis: string }[];
}

describe('a Consul in trouble', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;
  let pg3: LabHost;

  const consul = (host: LabHost, words: string): Promise<string> => must(host, `${SETTINGS} consul ${words}`);
  const findings = async (): Promise<Found[]> => {
    const { all, stdout } = await pgprov('doctor', cluster.file, '--json');
    expect(stdout, all).toContain('"findings"');
    return (JSON.parse(stdout) as { findings: Found[] }).findings;
  };
  const told = async (...diagnoses: readonly string[]): Promise<Found> => {
    let found: Found | undefined;
    await expect
      .poll(async () => (found = (await findings()).find(({ diagnosis }) => diagnoses.includes(diagnosis)))?.what, {
        timeout: patience(40_000),
      })
      .toBeDefined();
    return found as Found;
  };
  const well = async (): Promise<void> => {
    await expect
      .poll(async () => (await findings()).filter(({ diagnosis }) => diagnosis.startsWith('consul')).map(({ what }) => what), {
        timeout: patience(120_000),
      })
      .toEqual([]);
  };
  const saved = async (name: string): Promise<string> => {
    const directory = join(cluster.directory, name);
    mkdirSync(directory);
    const made = await pgprov('snapshot', cluster.file, '--to', `${directory}.tar.gz`);
    expect(made.code, made.all).toBe(0);
    expect(statSync(`${directory}.tar.gz`).mode & 0o777).toBe(0o600);
    execFileSync('tar', ['-xzf', `${directory}.tar.gz`, '-C', directory]);
    return directory;
  };
  /** What Consul itself says of a file of a snapshot. */
  const inspected = async (file: string): Promise<string> => {
    await pg1.exec('base64 -d >/root/looked.snap', { input: readFileSync(file).toString('base64') });
    return must(pg1, 'consul snapshot inspect /root/looked.snap; rm /root/looked.snap');
  };

  beforeAll(async () => {
    cluster = await TestCluster.start('consuldoc', 'debian13', 3, 'packages');
    [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    await cluster.write({ roles: ROLES });
    const made = await pgprov('apply', cluster.file, '--yes');
    expect(made.code, made.all).toBe(0);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is saved whole by a snapshot, which leaves nothing on the hosts', async () => {
    const directory = await saved('whole');
    const files = execFileSync('find', ['.', '-name', '*.snap', '-o', '-name', 'peers.json'], { cwd: directory, encoding: 'utf8' });
    expect(files.trim().split('\n').sort()).toEqual(['./consul/peers.json', './consul/snapshot.snap']);
    expect(await inspected(join(directory, 'consul', 'snapshot.snap'))).toMatch(/^Index +\d+/mu);
    expect(JSON.parse(readFileSync(join(directory, 'consul', 'peers.json'), 'utf8'))).toMatchObject({
      Servers: expect.arrayContaining([expect.objectContaining({ Node: 'pg1', Voter: true })]) as unknown,
    });
    for (const host of cluster.hosts) expect(await must(host, 'ls /run | grep pgprov-snapshot || :')).toBe('');
  });

  it('that lacks a server is told of with how it comes back', async () => {
    await must(pg3, 'systemctl stop consul');
    // Consul ends with 1 where it is stopped without leaving the others.
    const down = await told('unit-failed', 'unit-stopped', 'consul-server-down');
    expect(down).toMatchObject({ host: 'pg3' });
    expect(down.mend).toContain('systemctl');
    await must(pg3, 'systemctl start consul');
    await well();
  });

  it('without a quorum is told of first, and what each server has is saved', async () => {
    await Promise.all([pg2, pg3].map((host) => must(host, 'systemctl stop consul')));
    const found = await told('consul-quorum');
    expect(found.what).toMatch(/^Consul has no quorum: of its 3 servers pg2 and pg3 do not run$/u);
    expect(found.mend).toContain('systemctl start --no-block consul');
    expect((await findings())[0]?.diagnosis).toBe('consul-quorum');
    const directory = await saved('stale');
    expect(await inspected(join(directory, 'hosts', 'pg1', 'consul', 'stale.snap'))).toMatch(/^Index +\d+/mu);
    await Promise.all([pg2, pg3].map((host) => must(host, 'systemctl start consul')));
    await well();
  });

  it('that has lost Patroni’s token is told of, and apply gives it anew', async () => {
    const tokens = JSON.parse(await consul(pg1, 'acl token list -format=json')) as {
      AccessorID: string;
      Policies: { Name: string }[] | null;
    }[];
    const own = tokens.find(({ Policies }) => Policies?.some(({ Name }) => Name === 'pgprov-patroni'));
    await consul(pg1, `acl token delete -id ${own?.AccessorID}`);
    const found = await told('consul-token');
    expect(found.what).toBe('Consul refuses the token of Patroni on pg1, pg2 and pg3');
    expect(found.mend).toContain('pgprov apply');
    const { code, all } = await cluster.run('apply');
    expect(code, all).toBe(0);
    await well();
  });

  it('that counts on a server of nobody’s is told of with the command that takes it out', async () => {
    // One of the three that this inventory does not have.
    await cluster.write({
      roles: ROLES,
      hosts: {
        pg1: { address: pg1.address },
        pg2: { address: pg2.address },
        pg3: { address: pg3.address, roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'consul-agent', 'patroni'] },
      },
    });
    const found = await told('consul-peers');
    expect(found.what).toMatch(/^Consul counts on a server that is not in the inventory: pg3 /u);
    expect(found.mend).toMatch(/consul force-leave pg3`, as root on pg1/u);
    await cluster.write({ roles: ROLES });
    await well();
  });

  it('whose certificates have expired is told of, with the renewal', async () => {
    await must(pg3, 'systemctl stop consul');
    const own = readFileSync(join(cluster.directory, '.pgprov', 'demo', 'pki', 'nodes', 'pg3.crt'), 'utf8');
    const key = readFileSync(join(cluster.directory, '.pgprov', 'demo', 'pki', 'nodes', 'pg3.key'), 'utf8');
    const [certificate, secret] = ['ca.crt', 'ca.key'].map((name) =>
      readFileSync(join(cluster.directory, '.pgprov', 'demo', 'pki', name), 'utf8'),
    );
    await pg3.exec(`cat >${TLS}/node.crt`, { input: expired(own, key, { certificate: certificate ?? '', key: secret ?? '' }) });
    await must(pg3, 'systemctl start consul');
    const found = await told('certificates');
    expect(found).toMatchObject({ host: 'pg3', what: `the certificate ${TLS}/node.crt has expired` });
    expect(found.mend).toContain('certs renew');
  });
});
