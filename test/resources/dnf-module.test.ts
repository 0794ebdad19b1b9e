import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defineDnf } from '../../src/resources/dnf.js';
import { dnfModuleDisabled, type DnfModuleState } from '../../src/resources/dnf-module.js';
import { freshDirectory } from '../support/directory.js';
import { answering, MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });

describe('dnfModuleDisabled', () => {
  const resource = dnfModuleDisabled('postgresql');
  const untouched: DnfModuleState = { state: '', stream: '', unknown: false };

  it.each<{ title: string; text: string; state: DnfModuleState; changes: string[] }>([
    { title: 'no record', text: '', state: untouched, changes: ['disable the distribution’s module postgresql'] },
    {
      title: 'a record without a decision',
      text: 'stream=\nstate=\n',
      state: untouched,
      changes: ['disable the distribution’s module postgresql'],
    },
    { title: 'disabled', text: 'stream=\nstate=disabled\n', state: { ...untouched, state: 'disabled' }, changes: [] },
    {
      title: 'a stream enabled',
      text: 'stream=15\nstate=enabled\n',
      state: { ...untouched, state: 'enabled', stream: '15' },
      changes: ['disable the distribution’s module postgresql, of which somebody enabled the stream 15'],
    },
    {
      title: 'enabled without a stream',
      text: 'state=enabled\n',
      state: { ...untouched, state: 'enabled' },
      changes: ['disable the distribution’s module postgresql, of which somebody enabled a stream'],
    },
    { title: 'a system without that module', text: 'unknown=yes\n', state: { ...untouched, unknown: true }, changes: [] },
    {
      title: 'a module that came later and was enabled',
      text: 'stream=16\nstate=enabled\nunknown=yes\n',
      state: { state: 'enabled', stream: '16', unknown: true },
      changes: ['disable the distribution’s module postgresql, of which somebody enabled the stream 16'],
    },
  ])('compares the module: $title', ({ text, state, changes }) => {
    expect(resource.parse(answer(text))).toEqual(state);
    expect(resource.diff(state).map(({ summary }) => summary)).toEqual(changes);
  });

  it('waits as long as configured, and has a digest of its name', () => {
    expect(dnfModuleDisabled('postgresql', { lockTimeout: 7 }).apply([], untouched).text).toContain(defineDnf(7).text);
    expect(dnfModuleDisabled('mysql').digest()).not.toBe(resource.digest());
  });

  const work = freshDirectory();
  const MODULE = '/etc/dnf/modules.d/postgresql.module';
  const hostWith = (dnf: string): MadeUpHost =>
    new MadeUpHost({ root: work.path, programs: { dnf, sleep: ':' }, paths: ['/etc/dnf/modules.d', '/var/lib/pgprov'] });
  /** What dnf writes when it disables a module. */
  const disables = (): string => `printf '[postgresql]\\nname=postgresql\\nstream=\\nprofiles=\\nstate=disabled\\n' >'${work.at(MODULE)}'`;

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each([
      {
        title: 'dnf’s own record',
        text: '[postgresql]\nname=postgresql\nstream=15\nprofiles=server\nstate=enabled\n',
        state: { ...untouched, state: 'enabled', stream: '15' },
      },
      { title: 'a record with spaces', text: '[postgresql]\nstate = disabled\nstream =\n', state: { ...untouched, state: 'disabled' } },
    ])('reads $title', async ({ text, state }) => {
      const host = hostWith(':');
      host.write(MODULE, text);
      expect(await observe(shell, host.resource(resource))).toEqual(state);
    });

    it('disables a stream that somebody enabled, once', async () => {
      const host = hostWith(disables());
      host.write(MODULE, '[postgresql]\nstream=15\nstate=enabled\n');
      const { answer: done, left } = await bringAbout(shell, host.resource(resource));
      expect({ done, left }).toEqual({ done: { status: 0, words: '' }, left: [] });
      expect(host.calls()).toEqual(['dnf -y --setopt=exit_on_lock=True module disable postgresql']);
      expect((await bringAbout(shell, host.resource(resource))).changes).toEqual([]);
    });

    it.each([
      'Unable to resolve argument postgresql\nError: Problems in request:\nmissing groups or modules: postgresql\n',
      'Error: No matching Modules to list\n',
    ])('records that a system does not have it: %j', async (words) => {
      const host = hostWith(answering({ status: 1, words }));
      const { answer: done, after, left } = await bringAbout(shell, host.resource(resource));
      expect({ done, after, left }).toEqual({ done: { status: 0, words: '' }, after: { ...untouched, unknown: true }, left: [] });
      expect((await bringAbout(shell, host.resource(resource))).changes).toEqual([]);
    });

    it('forgets that record when the module exists after all', async () => {
      const host = hostWith(disables());
      host.write('/var/lib/pgprov/unknown-modules/postgresql', '');
      host.write(MODULE, '[postgresql]\nstream=15\nstate=enabled\n');
      const { after } = await bringAbout(shell, host.resource(resource));
      expect(after).toEqual({ ...untouched, state: 'disabled' });
      expect(existsSync(host.at('/var/lib/pgprov/unknown-modules/postgresql'))).toBe(false);
    });

    it('does not mistake a mirror that is down for a system without it', async () => {
      const host = hostWith(answering({ status: 1, words: "Error: Failed to download metadata for repo 'appstream'\n" }));
      const { answer: done, left } = await bringAbout(shell, host.resource(resource));
      expect(done).toEqual({ status: 1, words: "Error: Failed to download metadata for repo 'appstream'\n" });
      expect(left).toHaveLength(1);
    });

    it('waits for another dnf', async () => {
      const host = hostWith(`[ $call -gt 1 ] || exit 200\n${disables()}`);
      const { notes, left } = await bringAbout(shell, host.resource(resource));
      expect({ notes, left }).toEqual({ notes: ["waiting for the package manager's lock (0 s)"], left: [] });
    });
  });
});
