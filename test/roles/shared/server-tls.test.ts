import { describe, expect, it } from 'vitest';
import { hostParameters } from '../../../roles/shared/dynamic.js';
import { wantedSettings } from '../../../roles/shared/in-force.js';
import { serverIdentity, tlsChecks } from '../../../roles/shared/server-tls.js';
import { SERVER_CERTIFICATE } from '../../../src/resources/server-certificate.js';
import { View } from '../../../src/plan/view.js';
import { debian13 } from '../../../src/platform/debian.js';
import { contextOf, hostOf, inventoryOf, THREE } from '../../support/inventory.js';

const SINGLE = 'cluster: demo\nhosts: {pg1: {address: 10.0.0.1, roles: [base, pgdg, postgresql, replication]}}\n';
const TLS = 'postgresql: {tls: true, tls_names: [db.example.com]}\n';

describe('TLS of the server', () => {
  it('is given on each host by itself, under Patroni and without it', async () => {
    const wanted = { ssl: 'on', ssl_cert_file: '/etc/pgprov/postgresql-17-main/node.crt' };
    expect(hostParameters(contextOf(await inventoryOf(`${THREE}${TLS}`), 'pg2'))).toMatchObject(wanted);
    expect(wantedSettings(contextOf(await inventoryOf(`${SINGLE}${TLS}`), 'pg1'))).toMatchObject(wanted);
    expect(hostParameters(contextOf(await inventoryOf(THREE), 'pg2'))).toEqual({});
    const without = await inventoryOf(THREE);
    expect(serverIdentity(hostOf(without, 'pg1'), without)).toBeUndefined();
  });

  it('belongs to the unit that runs the server, and is in use where the server presents it', async () => {
    const inventory = await inventoryOf(`${THREE}${TLS}`);
    const identity = serverIdentity(hostOf(inventory, 'pg1'), inventory);
    expect(identity?.names).toEqual(['db.example.com']);
    const virtual = await inventoryOf(
      `${THREE.replace('hosts:', 'roles: [base, pgdg, postgresql, replication, etcd, patroni, vip]\nhosts:')}${TLS}vip: {address: 10.0.0.100/24}\n`,
    );
    expect(serverIdentity(hostOf(virtual, 'pg1'), virtual)?.names).toEqual(['db.example.com', '10.0.0.100']);
    expect(identity?.copies(debian13)).toMatchObject({
      unit: 'patroni',
      owner: 'postgres',
      key: '/etc/pgprov/postgresql-17-main/node.key',
    });
    const alone = await inventoryOf(`${SINGLE}${TLS}`);
    const single = serverIdentity(hostOf(alone, 'pg1'), alone);
    expect(single?.copies(debian13).unit).toBe('postgresql@17-main');
    const used = (presented: string | undefined): boolean | undefined =>
      identity?.inUse?.(
        new View(inventory, new Map([['pg1', new Map([[SERVER_CERTIFICATE.id, { presented, wanted: 'AB' }]])]])),
        hostOf(inventory, 'pg1'),
        'AB',
      );
    expect([used('AB'), used('CD'), used(undefined)]).toEqual([true, false, undefined]);
  });

  it('fails a run after which the server presents another certificate, or none', async () => {
    const inventory = await inventoryOf(`${THREE}${TLS}`);
    const isOk = (presented: string | undefined): boolean[] => {
      const view = new View(inventory, new Map([['pg1', new Map([[SERVER_CERTIFICATE.id, { presented, wanted: 'AB' }]])]]));
      return tlsChecks(view, hostOf(inventory, 'pg1')).map(({ ok }) => ok);
    };
    expect([isOk('AB'), isOk('CD'), isOk(undefined)]).toEqual([[true], [false], [false]]);
  });

  it('has parameters of its own, which the inventory does not give as well', async () => {
    await expect(inventoryOf(`${THREE}postgresql: {tls: true, parameters: {ssl_cert_file: /mine.crt}}\n`)).rejects.toThrow(
      /ssl_cert_file.*is set by postgresql\.tls/u,
    );
    await expect(inventoryOf(`${THREE}postgresql: {parameters: {ssl: on, ssl_cert_file: /mine.crt}}\n`)).resolves.toBeDefined();
  });
});
