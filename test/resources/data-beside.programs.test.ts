import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataBeside } from '../../src/resources/data-beside.js';
import { sharedDirectory } from '../support/directory.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('dataBeside', () => {
  const parent = sharedDirectory();
  inEveryShell(HOST_SHELLS, (shell) => {
    const made = (name: string, ...databases: readonly string[]): string => {
      const path = parent.at(`${shell} ${name}`);
      for (const each of databases) {
        mkdirSync(`${path}${each}`, { recursive: true });
        writeFileSync(join(`${path}${each}`, 'PG_VERSION'), '17\n');
      }
      return path;
    };

    it('is the last database that was put aside, where none is in its place', async () => {
      const path = made('gone', '.aside-20261129T010000', '.aside-20261129T020000', '.other');
      mkdirSync(`${path}.aside-20261129T030000`);
      expect(await observe(shell, dataBeside(path))).toBe(`${path}.aside-20261129T020000`);
      mkdirSync(path);
      expect(await observe(shell, dataBeside(path))).toBe(`${path}.aside-20261129T020000`);
    });

    it('is nothing where a database is in its place, or none was put aside', async () => {
      expect(await observe(shell, dataBeside(made('there', '', '.aside-20261129T010000')))).toBeUndefined();
      expect(await observe(shell, dataBeside(made('never')))).toBeUndefined();
    });
  });
});
