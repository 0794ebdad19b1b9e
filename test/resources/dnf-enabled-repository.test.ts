import { describe, expect, it } from 'vitest';
import { dnfEnabledRepository } from '../../src/resources/dnf-enabled-repository.js';
import { freshDirectory } from '../support/directory.js';
import { answering, MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });

describe('dnfEnabledRepository', () => {
  const resource = dnfEnabledRepository('crb');

  it.each([
    ...['1\n', 'true\n', 'Yes\n', 'on\n', '1 \n'].map((text) => ({ text, enabled: true })),
    ...['0\n', 'false\n', 'No\n', 'off\n', 'absent\n', '', '10\n'].map((text) => ({ text, enabled: false })),
  ])('reads $text', ({ text, enabled }) => {
    expect(resource.parse(answer(text))).toEqual({ enabled });
    expect(resource.diff({ enabled }).map(({ action, summary }) => `${action}: ${summary}`)).toEqual(
      enabled ? [] : ['enable: enable the repository crb'],
    );
  });

  it('has a digest of its name', () => {
    expect(dnfEnabledRepository('powertools').digest()).not.toBe(resource.digest());
  });

  const work = freshDirectory();
  const hostWith = (dnf: string, files: Readonly<Record<string, string>> = {}): MadeUpHost => {
    const host = new MadeUpHost({ root: work.path, programs: { dnf, sleep: ':' }, paths: ['/etc/yum.repos.d'] });
    for (const [name, text] of Object.entries(files)) host.write(`/etc/yum.repos.d/${name}`, text);
    return host;
  };
  const other = '[baseos]\nenabled=1\n';

  // What dnf 4.14 itself says of such files.
  const files: { title: string; files: Record<string, string>; enabled: boolean }[] = [
    { title: 'no file', files: {}, enabled: false },
    { title: 'no such repository', files: { 'a.repo': other, 'b.repo': '[crb-source]\nenabled=1\n' }, enabled: false },
    { title: 'enabled=0', files: { 'a.repo': `[crb]\nname=CRB\nenabled=0\n${other}` }, enabled: false },
    { title: 'enabled=1', files: { 'a.repo': `[baseos]\nenabled=0\n[crb]\nname=CRB\nenabled=1\n[extras]\nenabled=0\n` }, enabled: true },
    { title: 'no enabled line, which means enabled', files: { 'a.repo': '[crb]\nname=CRB\n' }, enabled: true },
    {
      title: 'no enabled line before a disabled repository',
      files: { 'a.repo': '[crb]\nname=CRB\n', 'b.repo': '[x]\nenabled=0\n' },
      enabled: true,
    },
    {
      title: 'a next file that begins without a section',
      files: { 'a.repo': '[crb]\nname=CRB\n', 'b.repo': 'enabled=0\n' },
      enabled: true,
    },
    { title: 'spaces', files: { 'a.repo': '[crb] \nenabled = True \n' }, enabled: true },
    {
      title: 'a comment and an option with the same beginning',
      files: { 'a.repo': '[crb]\nenabled=0\n#enabled=1\nenabled_metadata=1\n' },
      enabled: false,
    },
    { title: 'twice in one file, the last enabled', files: { 'a.repo': '[crb]\nenabled=0\n[crb]\nenabled=1\n' }, enabled: true },
    { title: 'twice in one file, the last disabled', files: { 'a.repo': `[crb]\nenabled=1\n${other}[crb]\nenabled=0\n` }, enabled: false },
    {
      title: 'twice in one file, the last without an enabled line',
      files: { 'a.repo': '[crb]\nenabled=0\n[crb]\nname=CRB\n' },
      enabled: false,
    },
    {
      title: 'in two files, the first disabled',
      files: { 'a.repo': '[crb]\nenabled=0\n', 'b.repo': '[crb]\nenabled=1\n' },
      enabled: false,
    },
    { title: 'in two files, the first enabled', files: { 'a.repo': '[crb]\nenabled=1\n', 'b.repo': '[crb]\nenabled=0\n' }, enabled: true },
    { title: 'in a file that dnf does not read', files: { 'a.repo.rpmsave': '[crb]\nenabled=1\n' }, enabled: false },
  ];

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each(files)('recognises $title', async ({ files: there, enabled }) => {
      expect(await observe(shell, hostWith(':', there).resource(resource))).toEqual({ enabled });
    });

    it('enables it with the available plugin', async () => {
      const host = hostWith(
        `case "$*" in *--set-enabled*) sed -i 's/enabled=0/enabled=1/' '${work.at('/etc/yum.repos.d/rocky.repo')}' ;; esac`,
        { 'rocky.repo': '[crb]\nenabled=0\n' },
      );
      const { answer: done, left } = await bringAbout(shell, host.resource(resource));
      expect({ done, left }).toEqual({ done: { status: 0, words: '' }, left: [] });
      expect(host.calls()).toEqual([
        'dnf -y --setopt=exit_on_lock=True install dnf-plugins-core',
        'dnf -y --setopt=exit_on_lock=True config-manager --set-enabled crb',
      ]);
      expect((await bringAbout(shell, host.resource(resource))).changes).toEqual([]);
    });

    it.each([
      {
        title: 'a system that does not have the repository',
        dnf: answering({}, { status: 1, words: 'Error: No matching repo to modify: crb.\n' }),
        calls: 2,
      },
      { title: 'a system without the plugin', dnf: answering({ status: 1, words: 'Error: No matching repo to modify: crb.\n' }), calls: 1 },
    ])('reports what is wrong with $title', async ({ dnf, calls }) => {
      const host = hostWith(dnf);
      const { answer: done, left } = await bringAbout(shell, host.resource(resource));
      expect(done).toEqual({ status: 1, words: 'Error: No matching repo to modify: crb.\n' });
      expect(left).toHaveLength(1);
      expect(host.calls()).toHaveLength(calls);
    });
  });
});
