import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { endOperation, readOperation, writeOperation, type OperationRecord } from '../../src/store/operation-record.js';
import { freshDirectory } from '../support/directory.js';

const RECORD: OperationRecord = {
  operation: 'switchover',
  given: {},
  chosen: { to: 'pg2' },
  began: '2026-11-28T09:00:00.000Z',
  by: 'ann@laptop',
};

describe('the record of an operation', () => {
  const work = freshDirectory();
  beforeEach(() => mkdirSync(work.path, { recursive: true }));

  it('is private to its owner, and removed when the operation ends', async () => {
    expect(await readOperation(work.path, 'orders.yml')).toBeUndefined();
    await writeOperation(work.path, RECORD);
    expect(await readOperation(work.path, 'orders.yml')).toEqual(RECORD);
    expect(statSync(work.at('operation.json')).mode & 0o777).toBe(0o600);
    await endOperation(work.path);
    expect(existsSync(work.at('operation.json'))).toBe(false);
    await endOperation(work.path);
  });

  it.each([
    '',
    '{',
    '[]',
    '{"operation":"switchover"}',
    JSON.stringify({ ...RECORD, chosen: null }),
    JSON.stringify({ ...RECORD, given: [] }),
  ])('is rejected: %j', async (text) => {
    writeFileSync(work.at('operation.json'), text);
    await expect(readOperation(work.path, 'orders.yml')).rejects.toMatchObject({
      kind: 'store/unreadable',
      hint: expect.stringContaining('`pgprov status orders.yml`'),
    });
  });
});
