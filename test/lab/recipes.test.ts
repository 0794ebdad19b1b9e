import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { recipeHash, runRecipe } from './recipes.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-recipes-'));
  await mkdir(join(folder, 'deep', 'er'), { recursive: true });
  await writeFile(join(folder, 'deep', 'er', 'file'), 'one');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('recipeHash', () => {
  it('stays the same while nothing changes', async () => {
    expect(await recipeHash({ major: 9 }, [folder])).toBe(await recipeHash({ major: 9 }, [folder]));
    expect(await recipeHash({ major: 9 }, [folder])).toMatch(/^[0-9a-f]{12}$/u);
  });

  it('changes with the facts', async () => {
    expect(await recipeHash({ major: 9 }, [folder])).not.toBe(await recipeHash({ major: 8 }, [folder]));
  });

  it('changes with a file however deep it lies, and with its name', async () => {
    const before = await recipeHash('', [folder]);
    await writeFile(join(folder, 'deep', 'er', 'file'), 'two');
    const written = await recipeHash('', [folder]);
    await rename(join(folder, 'deep', 'er', 'file'), join(folder, 'deep', 'er', 'other'));
    const renamed = await recipeHash('', [folder]);
    expect(new Set([before, written, renamed]).size).toBe(3);
  });
});

describe('runRecipe', () => {
  it('keeps the whole output, and shows the end of it when the recipe fails', async () => {
    const log = join(folder, 'log');
    await runRecipe('a thing', log, ['sh', '-c', 'echo first']);
    const failed = runRecipe('a thing', log, ['sh', '-c', 'seq 100; echo broken >&2; exit 3']);
    await expect(failed).rejects.toThrow(/^building a thing failed; the whole log is .*log:\n(.*\n)*100\nbroken$/u);
    await expect(failed).rejects.not.toThrow(/\n50\n/u);
    expect(await readFile(log, 'utf8')).toMatch(/^first\n1\n/u);
  });
});
