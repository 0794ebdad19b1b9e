import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { interruptedBootstrap } from '../../src/resources/interrupted-bootstrap.js';
import { interruptedCopy } from '../../src/resources/interrupted-copy.js';
import { freshDirectory } from '../support/directory.js';
import { bringAbout } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('interruptedCopy', () => {
  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it('puts a copy that was broken off aside, whole', async () => {
      mkdirSync(work.at('data', 'global'), { recursive: true });
      writeFileSync(work.at('data', 'PG_VERSION'), '17\n');
      writeFileSync(work.at('data', 'backup_label'), 'x');
      const resource = interruptedCopy({ path: work.at('data'), binDirectory: '/nowhere' });
      const { changes, left } = await bringAbout(shell, resource);
      expect(changes).toEqual([{ action: 'update', summary: `put the interrupted copy in ${work.at('data')} aside` }]);
      expect(left).toEqual([]);
      const [aside = '', ...others] = readdirSync(work.path);
      expect(others).toEqual([]);
      expect(aside).toMatch(/^data\.aside-\d{8}T\d{6}$/u);
      expect(existsSync(work.at(aside, 'backup_label'))).toBe(true);
    });

    it.each([
      { title: 'a database that was restored from a backup', control: 'x', label: true },
      { title: 'a cluster', control: 'x', label: false },
      { title: 'the beginnings of initdb', control: '', label: false },
    ])('leaves $title alone', async ({ control, label }) => {
      mkdirSync(work.at('data', 'global'), { recursive: true });
      writeFileSync(work.at('data', 'PG_VERSION'), '17\n');
      if (control !== '') writeFileSync(work.at('data', 'global', 'pg_control'), Buffer.alloc(64, 1));
      if (label) writeFileSync(work.at('data', 'backup_label'), 'x');
      const resource = interruptedCopy({ path: work.at('data'), binDirectory: '/nowhere' });
      expect((await bringAbout(shell, resource)).changes).toEqual([]);
    });
  });
});

describe('interruptedBootstrap', () => {
  const client = { endpoints: ['https://10.0.0.1:2379'], caFile: '/ca', certFile: '/crt', keyFile: '/key' };
  const resource = interruptedBootstrap({ path: '/data', url: 'http://10.0.0.1:8008', client, prefix: '/service/demo/' });

  it.each([
    { text: '', begun: false, changes: 0 },
    { text: 'begun\ninitialize=empty\n', begun: true, changes: 1 },
    { text: 'begun\nled\ninitialize=empty\n', begun: true, changes: 0 },
    { text: 'begun\nunderway\ninitialize=empty\n', begun: true, changes: 0 },
    { text: 'begun\ninitialize=set\n', begun: true, changes: 0 },
    { text: 'begun\ninitialize=absent\n', begun: true, changes: 0 },
    { text: 'begun\n', begun: true, changes: 0 },
    { text: 'initialize=empty\n', begun: false, changes: 0 },
  ])('$text: $changes', ({ text, begun, changes }) => {
    const state = resource.parse({ status: 0, out: Buffer.from(text) });
    expect(state.begun).toBe(begun);
    expect(resource.diff(state)).toHaveLength(changes);
  });

  it('is undone exactly so', () => {
    expect(resource.apply([], { initialize: 'empty', led: false, underWay: false, begun: true }).text).toMatchInlineSnapshot();
  });
});
