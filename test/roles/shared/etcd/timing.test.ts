import { describe, expect, it } from 'vitest';
import { InventoryError } from '../../../../src/model/index.js';
import { inventoryOf, THREE } from '../../../support/inventory.js';

describe('etcd’s heartbeat and election', () => {
  const said = async (etcd: string): Promise<string[]> => {
    try {
      await inventoryOf(`${THREE}etcd: ${etcd}\n`);
      return [];
    } catch (error) {
      if (!(error instanceof InventoryError)) throw error;
      return error.problems.map(({ path, line, message, hint }) => `${path} line ${line}: ${message} (${hint})`);
    }
  };

  it.each([
    '{}',
    '{heartbeat_interval: 200}',
    '{heartbeat_interval: 220, election_timeout: 1100}',
    '{heartbeat_interval: 10000, election_timeout: 50000}',
    '{heartbeat_interval: 10, election_timeout: 50}',
  ])('may be %s', async (etcd) => expect(await said(etcd)).toEqual([]));

  it('may not be less than five heartbeats, and both variables are named when only one was set', async () => {
    const words = 'the timeout must be at least five heartbeats';
    expect(await said('{heartbeat_interval: 220}')).toEqual([
      `etcd.heartbeat_interval line 6: etcd does not start with an etcd.election_timeout of 1000 ms and an etcd.heartbeat_interval of 220 ms: ${words}, 1100 ms (set etcd.election_timeout to 1100 or more, better 2200, or etcd.heartbeat_interval to 200 or less)`,
    ]);
    expect(await said('{election_timeout: 499}')).toEqual([
      expect.stringMatching(/^etcd\.election_timeout line 6: .* 499 ms and an etcd\.heartbeat_interval of 100 ms/u),
    ]);
  });

  it('of more than 50 s is refused, as by etcd', async () =>
    expect(await said('{election_timeout: 50001}')).toEqual([expect.stringContaining('50000')]));
});
