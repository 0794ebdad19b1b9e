import { describe, expect, it } from 'vitest';
import { endOfLife } from '../../../roles/shared/end-of-life.js';
import { inventoryOf } from '../../support/inventory.js';

const warned = async (version: number, today: string): Promise<string[]> => {
  const { hosts } = await inventoryOf(
    `cluster: demo\nroles: [base, pgdg, postgresql]\npostgresql: {version: ${version}}\nhosts:\n  pg1: 10.0.0.1\n`,
  );
  return endOfLife(hosts, new Date(today)).map(({ message }) => message);
};

describe('a major version of PostgreSQL', () => {
  it('is warned of after its last release', async () => {
    expect(await warned(14, '2026-11-12T12:00:00Z')).toEqual([]);
    expect(await warned(14, '2026-11-13T00:00:00Z')).toEqual([
      'PostgreSQL 14 had its last release on 2026-11-12, and gets no fixes any more, also none for its security',
    ]);
  });

  it('has no warning while it gets fixes, or where no date is known', async () => {
    expect(await warned(17, '2026-11-30T00:00:00Z')).toEqual([]);
    expect(await warned(19, '2040-01-01T00:00:00Z')).toEqual([]);
  });
});
