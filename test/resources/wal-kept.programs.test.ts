import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { walKept } from '../../src/resources/wal-kept.js';
import { sharedDirectory } from '../support/directory.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('walKept', () => {
  const parent = sharedDirectory();
  inEveryShell(HOST_SHELLS, (shell) => {
    const made = (name: string, files: Record<string, string>): string => {
      const data = parent.at(`${shell}-${name}`);
      mkdirSync(join(data, 'pg_wal'), { recursive: true });
      for (const [file, content] of Object.entries(files)) writeFileSync(join(data, file), content);
      return data;
    };
    const MIB = 'x'.repeat(1024 * 1024);

    it('knows the oldest segment, whatever its timeline', async () => {
      const data = made('some', {
        'pg_wal/000000020000000100000005': MIB,
        'pg_wal/000000010000000100000007': MIB,
        'pg_wal/000000030000000100000006': MIB,
        'pg_wal/000000010000000000000001.partial': MIB,
        'pg_wal/00000002.history': '',
        'postgresql.conf': "# restore_command = 'cp'\nrestore_command = ''\n",
      });
      expect(await observe(shell, walKept(data))).toEqual({
        oldest: 4096 + 5,
        segmentBytes: 1024 * 1024,
        restores: false,
        free: expect.any(Number),
      });
    });

    it('knows of an archive to restore from', async () => {
      const data = made('archive', { 'pg_wal/000000010000000000000001': MIB, 'postgresql.conf': " restore_command = 'cp /a/%f %p'\n" });
      expect(await observe(shell, walKept(data))).toMatchObject({ oldest: 1, restores: true });
    });

    it('says nothing of what is no database', async () => {
      expect(await observe(shell, walKept(parent.at('nothing')))).toBeUndefined();
      expect(await observe(shell, walKept(made('empty', {})))).toBeUndefined();
    });
  });
});
