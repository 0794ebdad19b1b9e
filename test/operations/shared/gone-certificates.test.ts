import { expect, it } from 'vitest';
import { goneCertificates, type GoneCertificate } from '../../../src/operations/index.js';
import { View } from '../../../src/plan/view.js';
import { fileHandle } from '../../../src/resources/files/path.js';
import { HOST_FACTS } from '../../../src/resources/host-facts.js';
import { inventoryOf } from '../../support/inventory.js';
import { LIST } from '../../support/revocation-list.js';

const until = '2099-01-01T00:00:00.000Z';
const inventory = await inventoryOf(
  'cluster: demo\nhosts:\n  pg1: 10.0.0.1\n  pg2: 10.0.0.2\n  pg3: { address: 10.0.0.3, absent: true }\n',
);

/** The one certificate of a host that is gone, which is not revoked here, where some hosts have it on their list. */
function gone(host: string, refusing: readonly string[]): GoneCertificate | undefined {
  const states = (name: string): Map<string, unknown> =>
    new Map<string, unknown>([
      [HOST_FACTS.id, { os: 'debian', version: '13' }],
      [fileHandle('/etc/etcd/tls/revoked.crl').id, refusing.includes(name) ? { type: 'file', content: LIST } : { type: 'absent' }],
    ]);
  const view = new View(inventory, new Map(['pg1', 'pg2'].map((name) => [name, states(name)])));
  const issued = new Map([[host, [{ serial: 'AB12CD', until, names: [] }]]]);
  return goneCertificates(inventory, { revoked: [], issued }, view)[0];
}

it('says of a certificate that is not revoked here who accepts it, and who refuses it all the same', () => {
  expect(gone('pg9', [])).toEqual({ host: 'pg9', serial: 'AB12CD', until, acceptedBy: ['pg1', 'pg2'], refusedBy: [] });
  expect(gone('pg3', ['pg2'])).toEqual({ host: 'pg3', serial: 'AB12CD', until, absent: true, acceptedBy: ['pg1'], refusedBy: ['pg2'] });
});
