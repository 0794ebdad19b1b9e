import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { locate } from '../../src/cli/locate.js';
import { namesOnLine } from '../../src/cli/runs/runs.js';
import { looksLikeInventory } from '../../src/cli/usual-inventory.js';
import { completeLine } from '../../src/cli/completion/candidates.js';
import { buildProgram } from '../../src/cli/main.js';
import { freshDirectory } from '../support/directory.js';

const work = freshDirectory();
const told: string[] = [];

beforeEach(() => {
  mkdirSync(work.at('here'));
  process.chdir(work.at('here'));
  told.length = 0;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0);
});

const home = process.cwd();
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.chdir(home);
});

const fileFor = async (inventory?: string, options: { quiet?: boolean } = {}): Promise<string> =>
  (await locate(inventory, options, true)).file;

describe('the inventory of a command line that names none', () => {
  it('is inventory.yml of the current directory, which stderr names', async () => {
    writeFileSync('inventory.yml', '');
    expect(await fileFor()).toBe('inventory.yml');
    expect(told).toEqual(['note: the inventory is inventory.yml, as none was named\n']);
  });

  it('is rather what PGPROV_INVENTORY names', async () => {
    writeFileSync('inventory.yml', '');
    vi.stubEnv('PGPROV_INVENTORY', '/srv/orders.yml');
    expect(await fileFor()).toBe('/srv/orders.yml');
    expect(told).toEqual(['note: the inventory is /srv/orders.yml, as PGPROV_INVENTORY says\n']);
  });

  it('is not told where a command is to be quiet, and none where one is named', async () => {
    writeFileSync('inventory.yml', '');
    expect(await fileFor(undefined, { quiet: true })).toBe('inventory.yml');
    expect(await fileFor('other.yml')).toBe('other.yml');
    expect(told).toEqual([]);
  });

  it('is an error where there is neither', async () => {
    await expect(fileFor()).rejects.toMatchObject({ kind: 'cli/no-inventory', exitCode: 2 });
    vi.stubEnv('PGPROV_INVENTORY', '');
    await expect(fileFor()).rejects.toMatchObject({ kind: 'cli/no-inventory' });
  });

  it('is the one whose names are completed', async () => {
    writeFileSync('inventory.yml', 'cluster: a\nhosts: {here1: 192.0.2.1}\n');
    writeFileSync('other.yml', 'cluster: b\nhosts: {there1: 192.0.2.1}\n');
    const words = ['pgprov', 'plan', '--host', ''];
    const hosts = async (): Promise<string[]> =>
      (
        await completeLine(
          buildProgram(() => undefined, []),
          words,
          3,
        )
      ).list.map(({ value }) => value);
    expect(await hosts()).toEqual(['here1']);
    vi.stubEnv('PGPROV_INVENTORY', 'other.yml');
    expect(await hosts()).toEqual(['there1']);
    const ssh = await completeLine(
      buildProgram(() => undefined, []),
      ['pgprov', 'ssh', 'th'],
      2,
    );
    expect(ssh.list).toEqual([{ value: 'there1' }]);
  });
});

describe('a word that stands alone', () => {
  it('is an inventory by its name, or because there is such a file', () => {
    writeFileSync('orders', '');
    expect(['a.yml', 'b.yaml', 'plan.json', 'orders', 'pg1', 'last'].map((word) => looksLikeInventory(word))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('is the run or the inventory of `runs show`', () => {
    expect(namesOnLine(undefined, undefined)).toEqual({ inventory: undefined, id: 'last' });
    expect(namesOnLine('a.yml', undefined)).toEqual({ inventory: 'a.yml', id: 'last' });
    expect(namesOnLine('2026', undefined)).toEqual({ inventory: undefined, id: '2026' });
    expect(namesOnLine('a.yml', '2026')).toEqual({ inventory: 'a.yml', id: '2026' });
  });
});
