import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { buildHostWork } from '../../src/plan/host-work.js';
import type { Role, TlsIdentity } from '../../src/plan/role.js';
import { certificatePlaces, identitiesOf, tlsResources } from '../../src/plan/tls.js';
import { Store } from '../../src/store/store.js';
import { sharedDirectory } from '../support/directory.js';
import { contextOf, inventoryOf, THREE } from '../support/inventory.js';

const three = await inventoryOf(THREE);
const COPIES = { directory: '/t', ca: '/t/ca', certificate: '/t/crt', key: '/t/key', owner: 'root', group: 'root', unit: 'x' };

/** A role that brings its service the host's key pair, whether it says that it has one or not. */
const asking = (tls?: Role['tls']): Role => ({
  name: 'x',
  description: 'x',
  variables: { type: 'object', properties: {} },
  stages: (context) => [{ name: 'one', title: 'one', crossing: 'independent', resources: tlsResources(context, COPIES).pair }],
  ...(tls === undefined ? {} : { tls }),
});
const identityOf = async (identity: (host: string) => TlsIdentity | undefined): Promise<ReturnType<typeof identitiesOf>> => {
  const catalog = [asking(({ name }) => identity(name))];
  return identitiesOf(catalog, await inventoryOf('cluster: demo\nroles: [x]\nhosts: {lb1: 192.0.2.1, lb2: 192.0.2.2}\n', catalog));
};

describe('the key pairs of hosts', () => {
  it('are made for hosts whose roles declare them', () => {
    expect(certificatePlaces(CATALOG, three).map(({ host, role }) => `${host.name} ${role}`)).toEqual(
      ['pg1', 'pg2', 'pg3'].flatMap((name) => [`${name} etcd`, `${name} patroni`]),
    );
    expect(identitiesOf(CATALOG, three)[0]).toEqual({ name: 'pg1', names: ['10.0.0.1', '192.0.2.1'] });
  });

  it('have the names that a role adds, on the hosts where it has a pair', async () => {
    const identities = await identityOf((name) =>
      name === 'lb1' ? { names: ['db.example.com', '2001:db8::1', '192.0.2.1'], copies: () => COPIES } : undefined,
    );
    expect(identities).toEqual([{ name: 'lb1', names: ['192.0.2.1', 'db.example.com', '2001:db8::1'] }]);
  });

  it.each(['', '*.example.com', 'a,DNS:b', 'a\nb', '-a', 'ä'])('must not have the name %j', async (name) => {
    await expect(identityOf(() => ({ names: [name], copies: () => COPIES }))).rejects.toMatchObject({
      kind: 'roles/certificate-name',
      exitCode: 2,
      message: expect.stringMatching(/^role x: .* of lb1, is neither a DNS name nor an IP address$/u) as string,
    });
  });
});

describe('a role that reads the key pair of its host', () => {
  const work = sharedDirectory();
  const build = async (role: Role, writable: boolean): Promise<string> => {
    const inventory = await inventoryOf('cluster: demo\nroles: [x]\nhosts: {lb1: 192.0.2.1}\n', [role]);
    const store = await Store.open(work.at(`store-${writable}-${role.tls !== undefined}`), inventory, { writable });
    await store.certificates.prepare(identitiesOf([role], inventory));
    const { stages } = buildHostWork([role], { ...contextOf(inventory, 'lb1'), credentials: store });
    const [certificate] = stages[0]?.stage.resources ?? [];
    return String(certificate?.diff({ type: 'absent' } as never)[0]?.after);
  };

  it.each([true, false])('is refused with its name where it declares no tls, in an apply (%j) as in a plan', async (writable) => {
    await expect(build(asking(), writable)).rejects.toMatchObject({
      kind: 'roles/no-identity',
      exitCode: 2,
      message: "role x: no role of lb1 declares `tls`, so it has no key pair of the cluster's authority",
      hint: 'declare `tls` in the role x; see “Ports, keys and status lines” in docs/extending.md',
    });
  });

  it('gets it in an apply, and a placeholder in the plan of a cluster without key pairs', async () => {
    const declared = asking(() => ({ copies: () => COPIES }));
    expect(await build(declared, false)).toBe('(made by the first apply)\n');
    expect(await build(declared, true)).toContain('BEGIN CERTIFICATE');
  });
});
