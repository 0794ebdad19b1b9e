import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defineDnf } from '../../src/resources/dnf.js';
import { dnfRepositories } from '../../src/resources/dnf-repositories.js';
import { freshDirectory } from '../support/directory.js';
import { answering, MadeUpHost } from '../support/made-up-host.js';
import { bringAbout } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });

describe('dnfRepositories', () => {
  const PATH = '/etc/yum.repos.d/pgdg-pgprov.repo';
  const resource = dnfRepositories({
    name: 'pgdg-pgprov',
    keyPath: '/etc/pki/rpm-gpg/K',
    repositories: [
      { id: 'pgprov-a', title: 'A (pgprov)', urls: ['http://m/a/$basearch'] },
      { id: 'pgprov-b', title: 'B (pgprov)', urls: ['http://m/b', 'http://m/old/b'] },
    ],
  });
  const content = resource.diff({ type: 'absent' })[0]?.after ?? '';

  it('are written to one file with exact content', () => {
    expect(resource.id).toBe(`file:${PATH}`);
    expect(content).toMatchInlineSnapshot(`
      "# Managed by pgprov
      [pgprov-a]
      name=A (pgprov)
      baseurl=http://m/a/$basearch
      enabled=1
      gpgcheck=1
      repo_gpgcheck=1
      gpgkey=file:///etc/pki/rpm-gpg/K
      module_hotfixes=1

      [pgprov-b]
      name=B (pgprov)
      baseurl=http://m/b
              http://m/old/b
      enabled=1
      gpgcheck=1
      repo_gpgcheck=1
      gpgkey=file:///etc/pki/rpm-gpg/K
      module_hotfixes=1
      "
    `);
  });

  it('keep packages from upgrades of the whole system, in every repository of the file', () => {
    const kept = dnfRepositories({
      name: 'x',
      keyPath: '/k',
      kept: ['etcd*', 'patroni*'],
      repositories: [{ id: 'pgprov-a', title: 'A', urls: ['u'] }],
    });
    expect(kept.diff({ type: 'absent' })[0]?.after).toMatch(/^module_hotfixes=1\nexcludepkgs=etcd\*,patroni\*$/mu);
  });

  it.each([
    { title: 'as desired', text: `file root root 644\n${content}`, changes: [] },
    { title: 'absent', text: 'absent\n', changes: [`write ${PATH} (root:root 0644)`] },
    { title: 'another address', text: `file root root 644\n${content.replace('http://m/b', 'http://n/b')}`, changes: [`write ${PATH}`] },
    { title: 'closed to others', text: `file root root 600\n${content}`, changes: [`set ${PATH} to root:root 0644 (is root:root 0600)`] },
  ])('are compared: $title', ({ text, changes }) =>
    expect(resource.diff(resource.parse(answer(text))).map(({ summary }) => summary)).toEqual(changes),
  );

  it('wait as long as configured', () => {
    const { apply } = dnfRepositories({ name: 'x', keyPath: '/k', repositories: [], lockTimeout: 7 });
    expect(apply([], { type: 'absent' }).text).toContain(defineDnf(7).text);
  });

  const work = freshDirectory();
  const hostWith = (dnf: string): MadeUpHost =>
    new MadeUpHost({ root: work.path, programs: { dnf, sleep: ':' }, paths: ['/etc/yum.repos.d'] });
  const root = process.getuid?.() === 0;

  inEveryShell(HOST_SHELLS, (shell) => {
    it.skipIf(!root)('are tested in a draft first, and then written', async () => {
      const host = hostWith(
        `for word; do case "$word" in --setopt=reposdir=*) cp "\${word#*reposdir=}"/*.repo '${work.at('draft')}'; ls "\${word#*reposdir=}" >'${work.at('names')}' ;; esac; done\n[ ! -e '${work.at(PATH)}' ]`,
      );
      const { answer: done, left } = await bringAbout(shell, host.resource(resource));
      expect({ done, left }).toEqual({ done: { status: 0, words: '' }, left: [] });
      expect(readFileSync(work.at('draft'), 'utf8')).toBe(content);
      expect(readFileSync(work.at('names'), 'utf8')).toBe('draft.repo\n');
      expect(readFileSync(work.at(PATH), 'utf8')).toBe(content);
      expect(host.calls().map((line) => line.replace(/reposdir=\S+/u, 'reposdir=DRAFT'))).toEqual([
        'dnf -y --setopt=exit_on_lock=True --setopt=reposdir=DRAFT --setopt=skip_if_unavailable=False --setopt=timeout=20 --setopt=retries=2 --refresh makecache',
      ]);
      expect((await bringAbout(shell, host.resource(resource))).changes).toEqual([]);
    });

    it('leave no file when an index cannot be fetched or verified, and name its addresses', async () => {
      const host = hostWith(
        answering({
          status: 1,
          words:
            "  - Status code: 404 for http://m/b/repodata/repomd.xml\nError: Failed to download metadata for repo 'pgprov-b': GPG verification is enabled\n",
        }),
      );
      const { answer: done, after } = await bringAbout(shell, host.resource(resource));
      expect(done).toEqual({
        status: 1,
        words:
          '  - Status code: 404 for http://m/b/repodata/repomd.xml\n' +
          "Error: Failed to download metadata for repo 'pgprov-b': GPG verification is enabled\n" +
          'pgprov-b is http://m/b or http://m/old/b\n' +
          'no repository was added; check the address (pgdg.base_url), the signature, and whether the mirror has this version for this system\n',
      });
      expect(after).toEqual({ type: 'absent' });
      expect(readdirSync(work.at('/etc/yum.repos.d'))).toEqual([]);
    });

    it('keep the current file when the new one fails', async () => {
      const host = hostWith(answering({ status: 1, words: 'Error: no\n' }));
      host.write(PATH, '[pgprov-a]\nbaseurl=http://good\n');
      const { left } = await bringAbout(shell, host.resource(resource));
      expect(left).not.toEqual([]);
      expect(readFileSync(work.at(PATH), 'utf8')).toBe('[pgprov-a]\nbaseurl=http://good\n');
    });

    it.skipIf(!root)('wait for another dnf', async () => {
      const { notes, left } = await bringAbout(shell, hostWith(answering({ status: 200 }, {})).resource(resource));
      expect({ notes, left }).toEqual({ notes: ["waiting for the package manager's lock (0 s)"], left: [] });
    });

    it('leave nothing in the scratch space', async () => {
      const host = hostWith(
        `for word; do case "$word" in --setopt=reposdir=*) echo "\${word#*reposdir=}" >'${work.at('where')}' ;; esac; done\nexit 1`,
      );
      await bringAbout(shell, host.resource(resource));
      expect(existsSync(readFileSync(work.at('where'), 'utf8').trim())).toBe(false);
    });
  });
});
