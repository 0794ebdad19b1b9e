import { describe, expect, it } from 'vitest';
import { APT_PROGRESS, DNF_PROGRESS, WITH_PROGRESS } from '../../src/resources/package-progress.js';
import { sh } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, type Shell } from '../support/shells.js';

const APT_BEGIN = `Reading package lists...
The following NEW packages will be installed:
  etcd-client libpq5 postgresql-17
1 upgraded, 3 newly installed, 0 to remove and 0 not upgraded.
Need to get 18.5 MB/19.1 MB of archives.
After this operation, 61.4 MB of additional disk space will be used.
Get:1 http://apt.postgresql.org/pub/repos/apt bookworm-pgdg/main amd64 libpq5 amd64 17.2-1 [1,500 kB]
`;
const APT_LATER = `Get:2 http://apt.postgresql.org/pub/repos/apt bookworm-pgdg/main amd64 postgresql-17 amd64 17.2-1 [17.0 MB]
`;
const APT_DONE = `Fetched 18.5 MB in 3s (5,910 kB/s)
Preconfiguring packages ...
Selecting previously unselected package libpq5:amd64.
(Reading database ... 25000 files and directories currently installed.)
`;
const unpacking = (...names: string[]): string =>
  names.map((name) => `Preparing to unpack .../${name}.deb ...\nUnpacking ${name} (1) ...\n`).join('');
const SET_UP = 'Setting up libpq5:amd64 (17.2-1) ...\nSetting up tzdata (1) ...\n';

const DNF_BEGIN = `Dependencies resolved.
================================================================================
 Package                  Arch    Version               Repository         Size
================================================================================
Installing:
 postgresql17-server      x86_64  17.2-1PGDG.rhel9      pgdg17            6.9 M

Transaction Summary
================================================================================
Install  3 Packages
Upgrade  1 Package

Total download size: 19 M
Installed size: 61 M
Downloading Packages:
`;
const DNF_GOT = `(1/4): libicu-67.1-9.el9.x86_64.rpm              12 MB/s | 9.6 MB     00:00
(2/4): postgresql17-libs-17.2-1PGDG.rhel9.x86_64.rpm  1.2 MB/s | 344 kB     00:00
`;
const DNF_RUN = `--------------------------------------------------------------------------------
Total                                            20 MB/s |  19 MB     00:00
Running transaction
  Preparing        :                                                        1/1
  Upgrading        : libicu-67.1-9.el9.x86_64                               1/4
  Installing       : postgresql17-libs-17.2-1PGDG.rhel9.x86_64              2/4
  Running scriptlet: postgresql17-libs-17.2-1PGDG.rhel9.x86_64              2/4
`;

describe('how far a package manager is', () => {
  const work = freshDirectory();

  async function said(shell: Shell, which: 'apt' | 'dnf', log: string): Promise<string | undefined> {
    const host = new MadeUpHost({ root: work.path, programs: { du: "printf '2500\\t/var/cache/apt/archives/partial\\n'" } });
    host.write('log', log);
    const body = sh`${which === 'apt' ? APT_PROGRESS : DNF_PROGRESS}
apt_log=${host.at('log')}
dnf_log=$apt_log
${which === 'apt' ? sh`apt_progress` : sh`dnf_progress`}`;
    const { answers } = await runSections(shell, [{ id: 'do', mode: 'step', body: host.script(body) }]);
    return answers.get('do')?.out.toString().trimEnd();
  }

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each([
      { title: 'nothing yet', log: 'Reading package lists...\n', words: '' },
      { title: 'lists of packages', log: 'Get:1 http://mirror.example.com/debian bookworm InRelease [151 kB]\n', words: '' },
      { title: 'the first download', log: APT_BEGIN, words: 'downloading package 1 of 4, 2 of 18 MB' },
      { title: 'another', log: APT_BEGIN + APT_LATER, words: 'downloading package 2 of 4, 4 of 18 MB' },
      { title: 'between', log: APT_BEGIN + APT_LATER + APT_DONE, words: '' },
      { title: 'unpacking', log: APT_BEGIN + APT_DONE + unpacking('a', 'b'), words: 'unpacking package 2 of 4' },
      {
        title: 'unpacking what needs others set up',
        log: APT_BEGIN + APT_DONE + unpacking('a') + SET_UP,
        words: 'unpacking package 1 of 4',
      },
      { title: 'setting up', log: APT_BEGIN + APT_DONE + unpacking('a', 'b', 'c', 'd') + SET_UP, words: 'setting up package 2 of 4' },
    ])('apt: $title', async ({ log, words }) => expect(await said(shell, 'apt', log)).toBe(words));

    it.each([
      { title: 'nothing yet', log: DNF_BEGIN, words: '' },
      { title: 'downloads', log: DNF_BEGIN + DNF_GOT, words: 'downloaded package 2 of 4, 10 of 19 MB' },
      { title: 'the transaction', log: DNF_BEGIN + DNF_GOT + DNF_RUN, words: 'installing package 2 of 4' },
    ])('dnf: $title', async ({ log, words }) => expect(await said(shell, 'dnf', log)).toBe(words));

    it('is told while it works, each state once, and its exit status and output are its own', async () => {
      const host = new MadeUpHost({ root: work.path, programs: { sleep: 'exec /bin/sleep 0.05' } });
      const seen = `until [ -e ${work.at('told')} ]; do /bin/sleep 0.05; done`;
      const body = sh`${WITH_PROGRESS}
far() { cat ${host.at('far')}; : >${host.at('told')}; }
work() { /bin/sh -c ${`echo one >${host.at('far')}; ${seen}; /bin/sleep 0.3; echo out; exit 7`}; }
with_progress far work || echo "status $?"
kill -0 "$watcher" 2>/dev/null && echo 'still looking' || :`;
      const { answers, notes } = await runSections(shell, [{ id: 'do', mode: 'step', body: host.script(body) }]);
      expect([answers.get('do')?.out.toString(), notes]).toEqual(['out\nstatus 7\n', ['one']]);
    });
  });
});
