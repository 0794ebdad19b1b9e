import { describe, expect, it } from 'vitest';
import { guardGiven } from '../../../roles/shared/given-tls.js';
import { poolerIdentity, poolerSettings } from '../../../roles/shared/pgbouncer/config-file.js';
import { serverIdentity, tlsChecks, tlsStage } from '../../../roles/shared/server-tls.js';
import { debian13 } from '../../../src/platform/debian.js';
import { certificatePlaces, identitiesOf } from '../../../src/plan/tls.js';
import { View } from '../../../src/plan/view.js';
import { CATALOG } from '../../../roles/index.js';
import { fileHandle } from '../../../src/resources/files/path.js';
import { HOST_FACTS } from '../../../src/resources/host-facts.js';
import { SERVER_CERTIFICATE } from '../../../src/resources/server-certificate.js';
import { companyPair } from '../../support/company-pki.js';
import { expired } from '../../support/expired.js';
import { contextOf, hostOf, inventoryOf } from '../../support/inventory.js';

const pair = companyPair(['db.example.com', '10.0.0.1', '10.0.0.2']);
const HOSTS = 'hosts: {pg1: 10.0.0.1, pg2: 10.0.0.2}\n';
const ROLES = 'roles: [base, pgdg, postgresql, replication, etcd, patroni]\n';
const FILE = '/etc/pgprov/postgresql-17-main/node.crt';

interface Texts {
  certificate: string;
  key: string;
  ca: string;
}

const section = (role: string, values: Record<string, unknown>, texts: Partial<Record<'certificate' | 'key' | 'ca', string>>): string =>
  `${role}: ${JSON.stringify({ ...values, ...Object.fromEntries(Object.entries(texts).map(([part, text]) => [`tls_${part}`, text])) })}\n`;
const textsOf = ({ certificate, key, ca }: Texts): Texts => ({ certificate, key, ca });
const texts = textsOf(pair);
const server = (more: Record<string, unknown> = {}, given: Partial<Texts> = texts): string =>
  `cluster: demo\n${ROLES}${HOSTS}${section('postgresql', { tls: true, ...more }, given)}`;

describe('a certificate of one’s own', () => {
  it('takes the place of the host’s pair, which is still made for the services that have it', async () => {
    const inventory = await inventoryOf(server());
    const [stage] = tlsStage(contextOf(inventory, 'pg1'));
    const written = (stage?.resources ?? []).map(({ id, digest }) => [id, digest?.()]);
    const [unlike] = tlsStage(contextOf(await inventoryOf(`cluster: demo\n${ROLES}${HOSTS}postgresql: {tls: true}\n`), 'pg1'));
    expect(written.map(([id]) => id)).toEqual((unlike?.resources ?? []).map(({ id }) => id));
    expect(serverIdentity(hostOf(inventory, 'pg1'), inventory)).toMatchObject({
      given: { certificate: pair.certificate },
      authorities: pair.ca,
    });
    expect(`${serverIdentity(hostOf(inventory, 'pg1'), inventory)?.given?.key}`).toBe('***');
    const places = certificatePlaces(CATALOG, inventory).map(({ host, role, tls }) => `${host.name} ${role} ${tls.given === undefined}`);
    expect(places.slice(0, 3)).toEqual(expect.arrayContaining(['pg1 postgresql false', 'pg1 etcd true', 'pg1 patroni true']));
    expect(identitiesOf(CATALOG, inventory).map(({ name }) => name)).toEqual(['pg1', 'pg2']);
    const alone = await inventoryOf(server().replace(ROLES, 'roles: [base, pgdg, postgresql, replication]\n'));
    expect(identitiesOf(CATALOG, alone)).toEqual([]);
  });

  it.each<{ title: string; yaml: string; says: RegExp }>([
    {
      title: 'without its key',
      yaml: server({}, { certificate: pair.certificate, ca: pair.ca }),
      says: /tls_certificate.* is given without tls_key/u,
    },
    {
      title: 'for one host alone',
      yaml: `cluster: demo\n${ROLES}hosts:\n  pg1: {address: 10.0.0.1, ${section('postgresql', {}, texts).trim()}}\n  pg2: 10.0.0.2\npostgresql: {tls: true}\n`,
      says: /is given for pg1, and not for pg2/u,
    },
    {
      title: 'without a name that is wanted',
      yaml: server({ tls_names: ['pool.example.com'] }),
      says: /is not for pool\.example\.com, which tls_names has/u,
    },
    {
      title: 'with another key',
      yaml: server({}, { ...texts, key: companyPair(['x']).key }),
      says: /tls_key.* does not belong to the certificate/u,
    },
    {
      title: 'that is no PEM',
      yaml: server({}, { ...texts, ca: 'none' }),
      says: /tls_ca.* must be .*text in PEM|tls_ca.* must be a string/u,
    },
  ])('is refused: $title', async ({ yaml, says }) => {
    await expect(inventoryOf(yaml)).rejects.toThrow(says);
  });

  it('is warned of where it has no effect, lacks an address of clients, or ends soon', async () => {
    const warned = async (yaml: string): Promise<string[]> => (await inventoryOf(yaml)).warnings.map(({ message }) => message);
    expect(await warned(server())).not.toContainEqual(expect.stringMatching(/certificate|sslmode/u));
    expect(await warned(server({ tls: false }))).toContainEqual('has no effect: postgresql.tls is false');
    const named = companyPair(['db.example.com']);
    expect(await warned(server({}, textsOf(named)))).toContainEqual(
      expect.stringMatching(/^is not for 10\.0\.0\.1, so clients .*verify-ca/u),
    );
    const soon = companyPair(['10.0.0.1', '10.0.0.2'], { days: 3 });
    expect(await warned(server({}, textsOf(soon)))).toContainEqual(expect.stringMatching(/^expires in [23] days/u));
  });

  it('is not put in the place of another once it has expired; where it is there already, a run fails', async () => {
    const [own = '', between = ''] = pair.certificate.split(/(?<=END CERTIFICATE-----\n)(?=-)/u);
    const past = `${expired(own, pair.key, { certificate: between, key: pair.betweenKey })}${between}`;
    const inventory = await inventoryOf(server({}, { ...texts, certificate: past }));
    const view = (content: string): View =>
      new View(
        inventory,
        new Map([
          [
            'pg1',
            new Map<string, unknown>([
              [HOST_FACTS.id, { os: 'debian', version: '13' }],
              [SERVER_CERTIFICATE.id, { presented: 'AB', wanted: 'AB' }],
              [fileHandle(FILE).id, { type: 'file', content: Buffer.from(content) }],
            ]),
          ],
        ]),
      );
    const objections = (content: string): string[] =>
      guardGiven(view(content), 'postgresql', (host) => serverIdentity(host, inventory)).map(({ message }) => message);
    expect(objections(pair.certificate)).toEqual([
      expect.stringMatching(/^pg1: PostgreSQL’s certificate that the inventory gives has expired/u),
    ]);
    expect(objections(past)).toEqual([]);
    expect(tlsChecks(view(past), hostOf(inventory, 'pg1')).map(({ ok }) => ok)).toEqual([true, false]);
  });

  it('has PgBouncer check servers with its authority, and their address only where it is named', async () => {
    const pools = (given: Partial<Texts>): string =>
      `cluster: demo\nhosts: {pg1: {address: 10.0.0.1, roles: [base, pgdg, postgresql, replication, pgbouncer]}}\n${section('postgresql', { tls: true }, given)}`;
    const modes = async (given: Partial<Texts>): Promise<string | undefined> => {
      const inventory = await inventoryOf(pools(given));
      return Object.fromEntries(poolerSettings({ host: hostOf(inventory, 'pg1'), inventory, platform: debian13 }))['server_tls_sslmode'];
    };
    expect([await modes({}), await modes(texts), await modes(textsOf(companyPair(['db.example.com'])))]).toEqual([
      'verify-full',
      'verify-full',
      'verify-ca',
    ]);
    const inventory = await inventoryOf(pools(texts));
    expect(poolerIdentity(hostOf(inventory, 'pg1'), inventory)).toMatchObject({ authorities: pair.ca });
    const own = await inventoryOf(`${pools({}).replace('"tls":true', '"tls":false')}${section('pgbouncer', { tls: 'offered' }, texts)}`);
    expect(poolerIdentity(hostOf(own, 'pg1'), own)).toMatchObject({ given: { certificate: pair.certificate }, authorities: pair.ca });
  });
});
