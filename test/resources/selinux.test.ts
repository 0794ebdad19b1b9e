import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { selinuxBoolean, selinuxDirectory, selinuxPort, type SelinuxState } from '../../src/resources/selinux.js';
import { freshDirectory } from '../support/directory.js';
import { answering, MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';

const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });
const directory = selinuxDirectory({ path: '/data/pg.17', type: 'postgresql_db_t' });
const port = selinuxPort({ port: 5433, type: 'postgresql_port_t' });

const ON = { selinuxenabled: ':', sleep: ':' };

describe.each([
  { resource: directory, summary: 'label /data/pg.17 as postgresql_db_t for SELinux' },
  { resource: port, summary: 'label TCP port 5433 as postgresql_port_t for SELinux' },
])('$resource.id', ({ resource, summary }) => {
  it.each<{ state: SelinuxState; changes: string[] }>([
    { state: 'off', changes: [] },
    { state: 'right', changes: [] },
    { state: 'wrong', changes: [summary] },
  ])('can be $state', ({ state, changes }) => {
    expect(resource.parse(answer(`${state}\n`))).toBe(state);
    expect(resource.diff(state).map((change) => change.summary)).toEqual(changes);
  });

  it.each(['', 'what\n', 'right\nwrong\n'])('rejects %j', (text) => expect(() => resource.parse(answer(text))).toThrow(/SELinux/u));

  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each([
      { title: 'SELinux is off', selinuxenabled: 'exit 1' },
      { title: 'it is not there', selinuxenabled: 'exit 127' },
    ])('asks nothing more when $title', async ({ selinuxenabled }) => {
      const host = new MadeUpHost({ root: work.path, programs: { selinuxenabled, matchpathcon: ':', restorecon: ':', semanage: ':' } });
      expect(await observe(shell, host.resource(resource))).toBe('off');
      expect(host.calls()).toEqual(['selinuxenabled']);
    });

    it('differs when the tools print nothing', async () => {
      const host = new MadeUpHost({
        root: work.path,
        programs: { ...ON, matchpathcon: 'exit 1', restorecon: 'exit 1', semanage: 'exit 1' },
      });
      expect(await observe(shell, host.resource(resource))).toBe('wrong');
    });

    it.skipIf(isThere('semanage'))('installs semanage when it is missing', async () => {
      const semanage = `printf '#!/bin/sh\\necho "semanage $*" >>${work.at('calls')}\\n' >'${work.at('bin', 'semanage')}'; chmod +x '${work.at('bin', 'semanage')}'`;
      const host = new MadeUpHost({ root: work.path, programs: { ...ON, dnf: semanage, matchpathcon: ':', restorecon: ':' } });
      const { answer: done } = await bringAbout(shell, host.resource(resource));
      expect(done).toEqual({ status: 0, words: '' });
      expect(host.calls()).toContain('dnf -y --setopt=exit_on_lock=True install policycoreutils-python-utils');
      expect(host.calls().some((line) => line.startsWith('semanage ') && line.includes(' -a -t '))).toBe(true);
    });

    it.skipIf(isThere('semanage'))('says why semanage could not be installed', async () => {
      const host = new MadeUpHost({
        root: work.path,
        programs: { ...ON, dnf: answering({ status: 1, words: 'Error: Unable to find a match: policycoreutils-python-utils\n' }) },
      });
      const { answer: done } = await bringAbout(shell, host.resource(resource));
      expect(done).toEqual({ status: 1, words: 'Error: Unable to find a match: policycoreutils-python-utils\n' });
    });
  });
});

describe('selinuxDirectory', () => {
  it('has a digest of its type', () => {
    expect(selinuxDirectory({ path: '/data/pg.17', type: 'x_t' }).digest()).not.toBe(directory.digest());
  });

  it.each([
    { path: '/srv/pg', pattern: "'/srv/pg(/.*)?'" },
    { path: '/srv/pg/', pattern: "'/srv/pg(/.*)?'" },
    { path: '/srv/a+b (1)', pattern: "'/srv/a\\+b[[:space:]]\\(1\\)(/.*)?'" },
    { path: "/srv/it's", pattern: "'/srv/it'\\''s(/.*)?'" },
  ])('covers $path and its content', ({ path, pattern }) => {
    expect(selinuxDirectory({ path, type: 't' }).apply([], 'wrong').text).toContain(
      `semanage fcontext -a -t t ${pattern} 2>/dev/null || semanage fcontext -m -t t ${pattern}\n`,
    );
  });

  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each<{ title: string; matchpathcon: string; restorecon: string; state: SelinuxState }>([
      { title: 'policy and label are right', matchpathcon: 'system_u:object_r:postgresql_db_t:s0', restorecon: '', state: 'right' },
      { title: 'the policy says something else', matchpathcon: 'system_u:object_r:default_t:s0', restorecon: '', state: 'wrong' },
      {
        title: 'the type is only part of another',
        matchpathcon: 'system_u:object_r:my_postgresql_db_t:s0',
        restorecon: '',
        state: 'wrong',
      },
      {
        title: 'the label is not what the policy says',
        matchpathcon: 'system_u:object_r:postgresql_db_t:s0',
        restorecon: 'Would relabel /data/pg.17 from unconfined_u:object_r:default_t:s0 to unconfined_u:object_r:postgresql_db_t:s0',
        state: 'wrong',
      },
    ])('is $state when $title', async ({ matchpathcon, restorecon, state }) => {
      const host = new MadeUpHost({
        root: work.path,
        programs: { ...ON, matchpathcon: answering({ words: `${matchpathcon}\n` }), restorecon: answering({ words: restorecon }) },
      });
      expect(await observe(shell, host.resource(directory))).toBe(state);
      expect(host.calls()[1]).toBe('matchpathcon -n /data/pg.17');
    });

    it.each([
      { title: 'adds a rule', semanage: ':', rules: ['-a'] },
      {
        title: 'changes a rule that is there',
        semanage: "case $2 in -a) echo 'ValueError: File context is already defined' >&2; exit 1 ;; esac",
        rules: ['-a', '-m'],
      },
    ])('$title, and labels what is there', async ({ semanage, rules }) => {
      const path = work.at('data');
      mkdirSync(path);
      const matchpathcon = `if [ -e '${work.at('labelled')}' ]; then echo a:b:postgresql_db_t:s0; else echo a:b:default_t:s0; fi`;
      const restorecon = `case $1 in -R) : >'${work.at('labelled')}' ;; esac`;
      const host = new MadeUpHost({ root: work.path, programs: { ...ON, semanage, matchpathcon, restorecon } });
      const { answer: done, after, left } = await bringAbout(shell, host.resource(selinuxDirectory({ path, type: 'postgresql_db_t' })));
      expect({ done, after, left }).toEqual({ done: { status: 0, words: '' }, after: 'right', left: [] });
      expect(host.calls().filter((line) => /^semanage|^restorecon -R|^dnf/u.test(line))).toEqual([
        ...rules.map((rule) => `semanage fcontext ${rule} -t postgresql_db_t ${path}(/.*)?`),
        `restorecon -R ${path}`,
      ]);
    });

    it('has the rule before the directory is there, and who makes it labels it', async () => {
      const semanage = `: >'${work.at('labelled')}'`;
      const matchpathcon = `if [ -e '${work.at('labelled')}' ]; then echo a:b:postgresql_db_t:s0; else echo a:b:default_t:s0; fi`;
      const restorecon = "case $1 in -R) echo 'No such file or directory' >&2; exit 255 ;; esac";
      const host = new MadeUpHost({ root: work.path, programs: { ...ON, semanage, matchpathcon, restorecon } });
      const { answer: done, after } = await bringAbout(shell, host.resource(directory));
      expect({ done, after }).toEqual({ done: { status: 0, words: '' }, after: 'right' });
    });

    it('fails with semanage’s own message', async () => {
      const host = new MadeUpHost({
        root: work.path,
        programs: { ...ON, matchpathcon: ':', restorecon: ':', semanage: "echo 'ValueError: Type x is invalid' >&2; exit 1" },
      });
      const { answer: done } = await bringAbout(shell, host.resource(directory));
      expect(done).toEqual({ status: 1, words: 'ValueError: Type x is invalid\n' });
      expect(host.calls()).not.toContain('restorecon -R /data/pg.17');
    });
  });
});

describe('selinuxPort', () => {
  it('has a digest of its type', () => {
    expect(selinuxPort({ port: 5433, type: 'x_t' }).digest()).not.toBe(port.digest());
  });

  const work = freshDirectory();
  const HEAD = 'SELinux Port Type              Proto    Port Number\n\n';

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each<{ title: string; list: string; state: SelinuxState }>([
      { title: 'nothing', list: '', state: 'wrong' },
      { title: 'it alone', list: 'postgresql_port_t              tcp      5433\n', state: 'right' },
      { title: 'it first', list: 'postgresql_port_t              tcp      5433, 5500\n', state: 'right' },
      {
        title: 'it among others',
        list: 'http_port_t  tcp  81\npostgresql_port_t              tcp      5500, 5433, 5501\n',
        state: 'right',
      },
      { title: 'it last', list: 'postgresql_port_t              tcp      5500, 5433\n', state: 'right' },
      { title: 'longer numbers', list: 'postgresql_port_t              tcp      54331, 15433\n', state: 'wrong' },
      { title: 'another protocol', list: 'postgresql_port_t              udp      5433\n', state: 'wrong' },
      { title: 'another type', list: 'http_port_t                    tcp      5433\n', state: 'wrong' },
    ])('is $state when the policy’s local changes have $title', async ({ list, state }) => {
      const host = new MadeUpHost({ root: work.path, programs: { ...ON, semanage: answering({ words: `${HEAD}${list}` }) } });
      expect(await observe(shell, host.resource(port))).toBe(state);
      expect(host.calls()).toEqual(['selinuxenabled', 'semanage port -l -C']);
    });

    it.each([
      { title: 'adds the port', refuses: '-x', rules: ['-a'] },
      { title: 'changes a port that has another type', refuses: '-a', rules: ['-a', '-m'] },
    ])('$title', async ({ refuses, rules }) => {
      const semanage = `case $2 in
${refuses}) echo 'ValueError: Port tcp/5433 already defined' >&2; exit 1 ;;
-l) cat '${work.at('ports')}' 2>/dev/null ;;
*) echo 'postgresql_port_t              tcp      5433' >'${work.at('ports')}' ;;
esac`;
      const host = new MadeUpHost({ root: work.path, programs: { ...ON, semanage } });
      const { answer: done, after, left } = await bringAbout(shell, host.resource(port));
      expect({ done, after, left }).toEqual({ done: { status: 0, words: '' }, after: 'right', left: [] });
      expect(host.calls().filter((line) => / -[am] /u.test(line))).toEqual(
        rules.map((rule) => `semanage port ${rule} -t postgresql_port_t -p tcp 5433`),
      );
      expect((await bringAbout(shell, host.resource(port))).changes).toEqual([]);
    });
  });
});

describe('selinuxBoolean', () => {
  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it('is switched on for good, once', async () => {
      const getsebool = `if [ -e '${work.at('on')}' ]; then echo "$1 --> on"; else echo "$1 --> off"; fi`;
      const host = new MadeUpHost({ root: work.path, programs: { ...ON, getsebool, setsebool: `: >'${work.at('on')}'` } });
      const { changes, after, left } = await bringAbout(shell, host.resource(selinuxBoolean('a_boolean')));
      expect({ after, left }).toEqual({ after: 'right', left: [] });
      expect(changes.map(({ summary }) => summary)).toEqual(['switch a_boolean on for SELinux']);
      expect(host.calls().filter((line) => line.startsWith('setsebool'))).toEqual(['setsebool -P a_boolean on']);
    });
  });
});
