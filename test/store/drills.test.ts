import { appendFile, mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Drill } from '../../src/lib/drill.js';
import { keepDrill, lastDrill } from '../../src/store/drills.js';

const DRILL: Drill = {
  at: '2026-11-29T06:00:00.000Z',
  on: 'pg3',
  backup: '20261129-030000F',
  repository: 'repo1',
  to: 'the last commit that is archived',
  ok: true,
  problems: [],
  size: 1,
};

describe('the history of drills', () => {
  it('gives the last one, also where the line after it was cut off, and is for its owner alone', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pgprov-drills-'));
    expect(await lastDrill(directory)).toBeUndefined();
    await keepDrill(directory, DRILL);
    await keepDrill(directory, { ...DRILL, on: 'pg2' });
    await appendFile(join(directory, 'drills.jsonl'), '{"at":"2026-11-29T07');
    expect(await lastDrill(directory)).toEqual({ ...DRILL, on: 'pg2' });
    expect((await stat(join(directory, 'drills.jsonl'))).mode & 0o777).toBe(0o600);
  });
});
