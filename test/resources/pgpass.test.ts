import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { mergePgpass, pgpass, pgpassPasswords, replacePasswords, type PgpassEntry } from '../../src/resources/pgpass.js';
import { freshDirectory, ME } from '../support/directory.js';
import { bringAbout } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const entry = (host: string, password: string, rest: Partial<PgpassEntry> = {}): PgpassEntry => ({
  host,
  port: 5432,
  database: 'replication',
  user: 'replicator',
  password: new Secret(password),
  ...rest,
});

it('drops lines of servers that are none any more, also where libpq finds all others, and no others', () => {
  const own = '10.0.0.1:5432:replication:replicator:pa55word\n';
  const others = '10.0.0.3:5433:replication:replicator:x\n10.0.0.3:5432:app:clerk:y\n';
  const current = `${own}10.0.0.3:5432:replication:replicator:pa55word\n${others}`;
  const former = [entry('10.0.0.3', ''), entry('10.0.0.1', '')];
  expect(mergePgpass(current, [entry('10.0.0.1', 'pa55word')], former)).toBe(own + others);
  expect(mergePgpass(own + others, [entry('10.0.0.1', 'pa55word')], former)).toBe(own + others);
});

describe('mergePgpass', () => {
  it.each([
    { title: 'an empty file', current: '', text: '10.0.0.1:5432:replication:replicator:pa55word\n' },
    {
      title: 'the same line',
      current: '10.0.0.1:5432:replication:replicator:pa55word\n',
      text: '10.0.0.1:5432:replication:replicator:pa55word\n',
    },
    {
      title: 'another password',
      current: '10.0.0.1:5432:replication:replicator:old\n',
      text: '10.0.0.1:5432:replication:replicator:pa55word\n',
    },
    {
      title: 'lines of others, which come after',
      current: '# mine\n*:*:*:bob:x\n10.0.0.1:5432:replication:replicator:old',
      text: '10.0.0.1:5432:replication:replicator:pa55word\n# mine\n*:*:*:bob:x\n',
    },
    { title: 'an invalid line', current: 'what\n', text: '10.0.0.1:5432:replication:replicator:pa55word\nwhat\n' },
    {
      title: 'our line as a comment',
      current: '#10.0.0.1:5432:replication:replicator:old\n',
      text: '10.0.0.1:5432:replication:replicator:pa55word\n#10.0.0.1:5432:replication:replicator:old\n',
    },
    {
      title: 'lines of another instance on the host, which stay where they are',
      current: '10.0.0.1:5433:replication:replicator:other\n10.0.0.1:5432:replication:replicator:pa55word\n',
      text: '10.0.0.1:5433:replication:replicator:other\n10.0.0.1:5432:replication:replicator:pa55word\n',
    },
    {
      title: 'a line before ours that libpq would take',
      current: '*:5432:*:replicator:other\n10.0.0.1:5432:replication:replicator:pa55word\n',
      text: '10.0.0.1:5432:replication:replicator:pa55word\n*:5432:*:replicator:other\n',
    },
    {
      title: 'our line twice',
      current: '10.0.0.1:5432:replication:replicator:pa55word\n10.0.0.1:5432:replication:replicator:old\n',
      text: '10.0.0.1:5432:replication:replicator:pa55word\n',
    },
  ])('works on $title', ({ current, text }) => expect(mergePgpass(current, [entry('10.0.0.1', 'pa55word')])).toBe(text));

  it('escapes separators', () => {
    const text = mergePgpass('', [entry('fd00::1', 'a:b\\c', { port: '*', user: 'x\\y' })]);
    expect(text).toBe('fd00\\:\\:1:*:replication:x\\\\y:a\\:b\\\\c\n');
    expect(mergePgpass(text, [entry('fd00::1', 'a:b\\c', { port: '*', user: 'x\\y' })])).toBe(text);
    expect(mergePgpass(text, [entry('fd00::1', 'new', { port: '*', user: 'x\\y' })])).toBe('fd00\\:\\:1:*:replication:x\\\\y:new\n');
  });

  it('changes nothing the second time', () => {
    const field = fc
      .string({ minLength: 1, maxLength: 8, unit: fc.constantFrom(':', '\\', 'a', '#', ' ', '*', 'é') })
      .filter((text) => !text.startsWith('#'));
    const entries = fc.array(fc.record({ host: field, database: field, user: field, password: field }), { maxLength: 4 });
    const current = fc
      .array(fc.string({ unit: fc.constantFrom(':', '\\', 'a', '#', '\n'), maxLength: 20 }))
      .map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(current, entries, (before, all) => {
        const given = all.map(({ host, password, ...rest }) => entry(host, password, rest));
        const once = mergePgpass(before, given);
        expect(mergePgpass(once, given)).toBe(once);
        expect(once.split('\n').slice(0, given.length)).toEqual(mergePgpass('', given).split('\n').slice(0, given.length));
      }),
    );
  });
});

describe('pgpass', () => {
  const work = freshDirectory();
  const make = (password: string): ReturnType<typeof pgpass> =>
    pgpass({ path: work.at('.pgpass'), ...ME, entries: [entry('10.0.0.1', password), entry('10.0.0.2', password)] });

  it('shows no password, and has a digest of it', () => {
    const found = make('very secret').diff({ type: 'absent' });
    expect(found).toEqual([{ action: 'create', summary: `write ${work.at('.pgpass')} (${ME.owner}:${ME.group} 0600)` }]);
    expect(make('a').digest()).not.toBe(make('b').digest());
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    it('has mode 0600 and keeps the lines of others', async () => {
      writeFileSync(work.at('.pgpass'), 'db:1:d:u:p\n');
      chmodSync(work.at('.pgpass'), 0o644);
      expect((await bringAbout(shell, make("it's:one"))).left).toEqual([]);
      expect(statSync(work.at('.pgpass')).mode & 0o7777).toBe(0o600);
      expect(readFileSync(work.at('.pgpass'), 'utf8')).toBe(
        "10.0.0.1:5432:replication:replicator:it's\\:one\n10.0.0.2:5432:replication:replicator:it's\\:one\ndb:1:d:u:p\n",
      );
      expect((await bringAbout(shell, make("it's:one"))).changes).toEqual([]);
      expect((await bringAbout(shell, make('another'))).left).toEqual([]);
    });
  });
});

describe('replacePasswords', () => {
  const accounts = [
    { user: 'replicator', password: new Secret('n:ew') },
    { user: 'a:b', password: new Secret('x\\y') },
  ];

  it.each([
    { title: 'nothing', current: '', text: '' },
    { title: 'a line of ours', current: '10.0.0.1:5432:*:replicator:old\n', text: '10.0.0.1:5432:*:replicator:n\\:ew\n' },
    { title: 'an escaped name', current: 'fd00\\:\\:1:*:*:a\\:b:o\\:ld\n', text: 'fd00\\:\\:1:*:*:a\\:b:x\\\\y\n' },
    { title: 'lines of others', current: '# replicator\n*:*:*:bob:old\nwhat', text: '# replicator\n*:*:*:bob:old\nwhat' },
  ])('works on $title', ({ current, text }) => {
    expect(replacePasswords(current, accounts)).toBe(text);
    expect(replacePasswords(text, accounts)).toBe(text);
  });

  it('makes no file when there is none', () => {
    const resource = pgpassPasswords('/p', accounts);
    expect(resource.diff({ type: 'absent' })).toEqual([]);
    const there = {
      type: 'file',
      owner: 'postgres',
      group: 'postgres',
      mode: '0600',
      content: Buffer.from('h:1:*:replicator:old\n'),
    } as const;
    expect(resource.diff(there)).toEqual([{ action: 'update', summary: 'write /p' }]);
  });
});
