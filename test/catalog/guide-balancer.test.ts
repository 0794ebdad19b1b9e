import { beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { CATALOG } from '../../roles/index.js';
import { guardedRole } from '../../src/catalog/guarded-role.js';
import { withoutTypes } from '../../src/catalog/module-hooks.js';
import { orderRoles } from '../../src/catalog/order.js';
import { certificatesOf } from '../../src/cli/certs/status-of.js';
import { statusOf } from '../../src/cli/status-of.js';
import * as api from '../../src/index.js';
import type { Inventory } from '../../src/model/index.js';
import { buildHostWork } from '../../src/plan/host-work.js';
import type { Role } from '../../src/plan/role.js';
import { identitiesOf } from '../../src/plan/tls.js';
import { View } from '../../src/plan/view.js';
import { debian13 } from '../../src/platform/debian.js';
import { problemsOf } from '../../src/report/status.js';
import { FIREWALL, type FirewallState } from '../../src/resources/firewall/firewall.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import { REACHABILITY } from '../../src/resources/reachability.js';
import { Authority } from '../../src/store/authority.js';
import { Store } from '../../src/store/store.js';
import { readGuide, writeFiles } from '../integration/support/guide.js';
import { sharedDirectory } from '../support/directory.js';
import { contextOf, inventoryOf } from '../support/inventory.js';

const UFW: FirewallState = {
  firewalld: { running: false, file: undefined, runtime: [] },
  ufw: { running: true, rules: [] },
  nftables: { enabled: false, loaded: false, config: '', included: false, file: undefined, tables: [] },
};

describe('the balancer in docs/extending.md', () => {
  const work = sharedDirectory();
  let catalog: readonly Role[];
  let inventory: Inventory;

  beforeAll(async () => {
    const guide = await readGuide('extending.md');
    await writeFiles(work.path, guide.files);
    const order = orderRoles(CATALOG, [roleOf(guide.files.get('roles/balancer.ts') ?? '')]);
    catalog = 'roles' in order ? order.roles : [];
    const {
      rolesPath: _path,
      roles,
      pg_stat_statements: _own,
      ...settings
    } = parse(guide.later.get('inventory.yml with the balancer') ?? '') as {
      rolesPath: string;
      roles: string[];
      pg_stat_statements: object;
    };
    inventory = await inventoryOf(stringify({ ...settings, roles: roles.filter((name) => name !== 'pg_stat_statements') }), catalog);
  });
  /** The guide's role, guarded as one from a directory of roles is; its module is taken apart, for the tests have a loader of their own. */
  function roleOf(text: string): Role {
    const path = work.at('roles', 'balancer.ts');
    const body = withoutTypes(text, path)
      .replace(/^import (\{[^}]*\}) from 'pgprov';/mu, 'const $1 = api;')
      .replace('export default ', 'return ');
    const made = new Function('api', body)(api) as Role;
    return guardedRole(made, { path, directory: work.at('roles'), name: 'balancer' });
  }

  const role = (): Role => catalog.find(({ name }) => name === 'balancer') as Role;
  const viewOf = (states: Record<string, unknown>): View =>
    new View(
      inventory,
      new Map([['lb1', new Map<string, unknown>([[HOST_FACTS.id, { os: 'debian', version: '13' }], ...Object.entries(states)])]]),
    );

  it('has its ports opened to the clients that it names, and to nobody else', () => {
    const resources = buildHostWork(catalog, contextOf(inventory, 'lb1')).stages.flatMap(({ stage }) => stage.resources);
    const changes = resources.find(({ id }) => id === FIREWALL.id)?.diff(UFW) ?? [];
    expect(changes.map(({ summary }) => summary)).toEqual(['open 5000 from 192.0.2.64/26 in ufw', 'open 8404 from 192.0.2.9 in ufw']);
  });

  it('reserves its ports for its own unit', () => {
    const held = (unit: string): string[] => {
      const listeners = [{ port: 5000, process: 'socat', unit }];
      const base = CATALOG.find(({ name }) => name === 'base');
      return (base?.preflight?.(viewOf({ ports: listeners })) ?? []).map(({ message }) => message);
    };
    expect(held('haproxy.service')).toEqual([]);
    expect(held('other.service')).toEqual(['lb1: port 5000, meant for connections to the leader, is held by socat (other.service)']);
  });

  it('opens no port to the members and reaches theirs', () => {
    const asked = (host: string): string =>
      buildHostWork(catalog, contextOf(inventory, host))
        .observations.filter(({ id }) => id === REACHABILITY.id)
        .map(({ sharedQuestions = [] }) => sharedQuestions.flatMap(({ subjects }) => subjects).join())
        .join();
    expect(asked('pg1')).not.toContain('192.0.2.20');
    expect(asked('lb1')).toContain('192.0.2.11');
  });

  it('has a certificate with its names, which certs status shows and judges like those of etcd', async () => {
    const identity = identitiesOf(catalog, inventory).find(({ name }) => name === 'lb1');
    expect(identity).toEqual({ name: 'lb1', names: ['192.0.2.20', 'db.example.com'] });
    const store = await Store.open(work.at('store'), inventory, { writable: true });
    await store.certificates.prepare(identitiesOf(catalog, inventory));
    const pair = store.node('lb1');
    const text = (content: string): object => ({ type: 'file', content: Buffer.from(content) });
    const kept = {
      authority: await Authority.open(work.at('store', 'pki'), inventory),
      issued: new Map(),
      pairs: new Map([['lb1', { certificate: pair.certificate, key: pair.key.reveal() }]]),
    };
    const facts = { inventory, catalog, kept, errors: [], withinDays: 30 };
    const view = viewOf({
      'file:/etc/haproxy/tls/node.crt': text(pair.certificate),
      'file:/etc/haproxy/tls/ca.crt': text(store.caCertificate),
    });
    const shown = certificatesOf({ ...facts, view }).places.filter(({ host }) => host === 'lb1');
    expect(shown).toMatchObject([{ service: 'balancer', seen: true, onHost: 'as in the store', authorities: 'as in the store' }]);
    expect(shown[0]?.names).toEqual(['lb1', '192.0.2.20', 'db.example.com', 'localhost', '127.0.0.1', '::1']);
    const soon = certificatesOf({ ...facts, view, withinDays: 2000 }).places.find(({ host }) => host === 'lb1');
    expect(soon?.due).toMatch(/^it expires in \d+ days$/u);
    expect(statusOf(inventory, catalog, view, []).certificates).toMatchObject([{ host: 'lb1' }]);
  });

  it('has HAProxy reload on a new key pair', () => {
    const { stages } = buildHostWork([role()], contextOf(inventory, 'lb1'));
    const resources = stages.find(({ id }) => id === 'balancer/set-up')?.stage.resources ?? [];
    expect(resources.map(({ id }) => id)).toEqual([
      'directory:/etc/haproxy/tls',
      'file:/etc/haproxy/tls/ca.crt',
      'file:/etc/haproxy/tls/node.crt',
      'file:/etc/haproxy/tls/node.crt.key',
      'file:/etc/haproxy/haproxy.cfg',
      'service:haproxy',
    ]);
    const other = contextOf(inventory, 'lb1');
    const anew = {
      ...other,
      credentials: { ...other.credentials, node: () => ({ ...other.credentials.node('lb1'), certificate: 'new' }) },
    };
    const digests = [other, anew].map((context) =>
      buildHostWork([role()], context)
        .stages.flatMap(({ stage }) => stage.resources)
        .find(({ id }) => id === 'service:haproxy')
        ?.digest(),
    );
    expect(new Set(digests).size).toBe(2);
  });

  it.each<{ title: string; csv: string; line: string; level: string }>([
    {
      title: 'sends connections to the leader',
      csv: '# pxname,svname,qcur,status\nleader,FRONTEND,,OPEN\nleader,pg1,,DOWN\nleader,pg2,0,UP\nleader,BACKEND,0,UP\nstatistics,BACKEND,0,UP\n',
      line: 'sends connections to pg2',
      level: 'ok',
    },
    {
      title: 'knows no leader',
      csv: '# pxname,svname,qcur,status\nleader,pg1,,DOWN\nleader,BACKEND,0,DOWN\n',
      line: 'no member is up',
      level: 'problem',
    },
    { title: 'does not run', csv: '', line: 'HAProxy does not answer', level: 'problem' },
  ])('reports in the status that it $title', ({ csv, line, level }) => {
    const [observation] = role().observations?.(contextOf(inventory, 'lb1', debian13)) ?? [];
    const state = observation?.parse({ status: 0, out: Buffer.from(csv) });
    const status = statusOf(inventory, catalog, viewOf({ [observation?.id ?? '']: state }), []);
    expect(status.services).toEqual([{ host: 'lb1', role: 'balancer', text: line, level }]);
    expect(problemsOf(status).includes(`lb1: balancer: ${line}`)).toBe(level === 'problem');
  });

  it('reports nothing when nothing was asked', () => {
    expect(statusOf(inventory, catalog, viewOf({}), []).services).toBeUndefined();
    expect(statusOf(inventory, catalog, undefined, []).services).toBeUndefined();
  });
});
