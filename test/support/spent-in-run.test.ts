import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { readSpent } from '../runner/spendings.js';
import { noteSpent } from './spent-in-run.js';

const at = (ms: number): string => new Date(Date.UTC(2026, 6, 11) + ms).toISOString();
const ms = (text: string): number => Date.parse(text);

test('packages and gates of a run are read from its journal, and nothing of an earlier one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pgprov-spent-'));
  try {
    const runs = join(directory, '.pgprov', 'demo', 'runs');
    await mkdir(runs, { recursive: true });
    const events = [
      { at: at(0), type: 'step-end', host: 'pg1', stage: 'etcd/packages', ms: 900 },
      { at: at(5_000), type: 'step-end', host: 'pg1', stage: 'postgresql/packages', ms: 4_000 },
      { at: at(6_000), type: 'step-end', host: 'pg1', stage: 'postgresql/cluster', ms: 1_000 },
      { at: at(9_000), type: 'waited', host: 'pg1', stage: 'etcd/start', ms: 2_500 },
    ];
    await writeFile(join(runs, 'a.jsonl'), `${events.map((event) => JSON.stringify(event)).join('\n')}\n{"at":"20`);
    const file = join(directory, 'spent');
    vi.stubEnv('PGPROV_SPENT', file);
    noteSpent(['apply', join(directory, 'inventory.yml'), '--yes'], ms(at(1_000)));
    expect(readSpent(await readFile(file, 'utf8'))).toEqual([
      expect.objectContaining({ on: 'packages', from: ms(at(1_000)), to: ms(at(5_000)) }),
      expect.objectContaining({ on: 'waiting', from: ms(at(6_500)), to: ms(at(9_000)) }),
    ]);
  } finally {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true, force: true });
  }
});
