import { expect, it } from 'vitest';
import { goneHosts } from '../../src/plan/gone-host.js';
import type { RevokedCertificate } from '../../src/store/revocations.js';
import { inventoryOf } from '../support/inventory.js';

const until = '2099-01-01T00:00:00.000Z';
const SINCE = '2026-11-29T02:00:00.000Z';
const certificate = (...names: string[]) => ({ serial: names.join(), until, names });
const revoked = (host: string, ...names: string[]): RevokedCertificate => ({ ...certificate(...names), host, since: SINCE });

it('knows who was taken out by the inventory and by certificates, and no address that a host has now', async () => {
  const inventory = await inventoryOf(
    'cluster: demo\nhosts:\n  pg1: 10.0.0.1\n  pg2: 10.0.0.12\n  pg3: { address: 10.0.0.3, absent: true }\n  pg4: { address: 10.0.0.1, absent: true }\n',
  );
  const gone = goneHosts(inventory, {
    revoked: [revoked('pg2', 'pg2', '10.0.0.2'), revoked('pg3', 'pg3', '10.0.0.3', '10.1.0.3'), revoked('pg1', 'pg1', '10.0.0.1')],
    issued: new Map([
      ['pg1', [certificate('pg1', '10.0.0.1')]],
      ['pg9', [certificate('pg9', '10.0.0.9')]],
    ]),
  });
  const since = Date.parse(SINCE);
  expect(gone.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
    { name: 'pg2', replaced: true, absent: false, addresses: ['10.0.0.2'], since },
    { name: 'pg3', replaced: false, absent: true, addresses: ['10.0.0.3', '10.1.0.3'], since },
    { name: 'pg9', replaced: false, absent: false, addresses: ['10.0.0.9'] },
  ]);
});
