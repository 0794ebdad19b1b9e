import { describe, expect, it } from 'vitest';
import { defineDnf } from '../../src/resources/dnf.js';
import { dnfPackages } from '../../src/resources/dnf-packages.js';
import { keepOff } from '../../src/resources/keep-off.js';
import type { PackagesOptions } from '../../src/resources/packages-state.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { freshDirectory } from '../support/directory.js';
import { answering, MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });

describe('dnfPackages', () => {
  const options: PackagesOptions = { name: 'patroni', packages: ['patroni', 'patroni-etcd'] };
  const resource = dnfPackages(options);

  it.each([
    { title: 'all there', text: 'patroni 4.0-1.el9\npatroni-etcd 4.0-1.el9\n', changes: [] },
    { title: 'none', text: 'patroni missing\npatroni-etcd missing\n', changes: ['install patroni patroni-etcd'] },
    { title: 'one missing', text: 'patroni 4.0-1.el9\npatroni-etcd missing\n', changes: ['install patroni-etcd'] },
  ])('compares packages: $title', ({ text, changes }) => {
    const found = resource.diff(resource.parse(answer(text)));
    expect(found.map(({ action, summary }) => ({ action, summary }))).toEqual(changes.map((summary) => ({ action: 'install', summary })));
  });

  it.each(['', 'what\n', 'patroni 4.0-1.el9\n'])('rejects %j', (text) =>
    expect(() => resource.parse(answer(text))).toThrow(/packages:patroni/u),
  );

  const scriptOf = (more: Partial<PackagesOptions>): string =>
    dnfPackages({ ...options, ...more })
      .apply([], { 'patroni-etcd': '4.0-1.el9', patroni: undefined })
      .text.replace(defineDnf(more.lockTimeout ?? 300).text, 'DEFINE DNF');

  it('keeps a unit from starting at boot, and waits as long as configured', () => {
    const text = scriptOf({ disable: ['patroni'], lockTimeout: 7 });
    expect(text).toMatch(/^DEFINE DNF\n/u);
    const { before, done, failed } = keepOff(['patroni']);
    expect(text).toContain(`\n${before.text}\nset -- `);
    expect(text).toContain(`\n${failed.text}\nexit 1\n`);
    expect(text.endsWith(`\n${done.text}`)).toBe(true);
  });

  it('has a digest of its package list', () => {
    expect(dnfPackages({ name: 'patroni', packages: ['patroni'] }).digest()).not.toBe(resource.digest());
    expect(dnfPackages({ ...options, lockTimeout: 1 }).digest()).toBe(resource.digest());
  });

  const work = freshDirectory();
  /** Knows the packages that the stand-in of dnf has installed, and the capability `etcd` of another one. */
  const rpm = `status=0
case "$*" in
*'--whatprovides '*' etcd') printf '3.5.16-1PGDG.rhel9\\n3.5.17-1PGDG.rhel9\\n'; exit ;;
*--whatprovides*) echo 'no package provides it'; exit 1 ;;
esac
shift 3
for name; do
case "$name" in
etcd) echo 'package etcd is not installed'; status=1 ;;
*) if [ -e ROOT/installed ]; then echo "=$name 4.0.4-1PGDG.rhel9"; else echo "package $name is not installed"; status=1; fi ;;
esac
done
exit "$status"`;
  const install = 'case "$*" in *\' install \'*) : >ROOT/installed ;; esac';
  const hostWith = (dnf: string): MadeUpHost => {
    const here = (text: string): string => text.replaceAll('ROOT', work.path);
    return new MadeUpHost({
      root: work.path,
      programs: { rpm: here(rpm), dnf: here(dnf), sleep: ':', systemctl: 'case $2 in is-*) exit 3 ;; esac' },
    });
  };
  const call = 'dnf -y --setopt=exit_on_lock=True --setopt=install_weak_deps=False install patroni patroni-etcd';
  const refresh = call.replace('--setopt=install_weak_deps', '--refresh --setopt=install_weak_deps');

  inEveryShell(HOST_SHELLS, (shell) => {
    it('recognises versions, what another package provides, files, and missing packages', async () => {
      const host = hostWith(':');
      host.write('there', '');
      const packages = ['etcd', 'patroni', host.at('there'), '/not/there'];
      expect(await observe(shell, host.resource(dnfPackages({ name: 'x', packages })))).toEqual({
        etcd: '3.5.16-1PGDG.rhel9',
        patroni: undefined,
        [host.at('there')]: 'present',
        '/not/there': undefined,
      });
      expect(host.calls()).toEqual([
        'rpm -q --qf =%{NAME} %{VERSION}-%{RELEASE}\\n etcd patroni',
        ...['etcd', 'patroni'].map((name) => `rpm -q --whatprovides --qf %{VERSION}-%{RELEASE}\\n ${name}`),
      ]);
    });

    it('says why a package is not available when it is locked or excluded', async () => {
      const words = 'All matches were filtered out by exclude filtering for argument: patroni\nError: Unable to find a match: patroni\n';
      const { answer: done } = await bringAbout(shell, hostWith(answering({ status: 1, words })).resource(resource));
      expect([done?.status, done?.words]).toEqual([
        1,
        `${words}the configuration of dnf excludes it: dnf versionlock list and excludepkgs in /etc/dnf/dnf.conf show where; dnf versionlock delete NAME removes a lock\n`,
      ]);
    });

    it('asks once for all packages, whichever resource wants them', async () => {
      const host = hostWith(':');
      host.write('installed', '');
      const wanted = [resource, dnfPackages({ name: 'x', packages: ['curl', '/not/there'] })].map((each) => host.resource(each));
      const { answers } = await runSections(shell, [
        ...sharedSections(wanted),
        ...wanted.map(({ id, probe }) => ({ id, mode: 'probe' as const, body: probe() })),
      ]);
      const seen = wanted.map(({ id, parse }) => parse(answers.get(id) ?? answer('')));
      expect(seen).toEqual([
        { patroni: '4.0.4-1PGDG.rhel9', 'patroni-etcd': '4.0.4-1PGDG.rhel9' },
        { curl: '4.0.4-1PGDG.rhel9', '/not/there': undefined },
      ]);
      expect(host.calls()).toEqual(['rpm -q --qf =%{NAME} %{VERSION}-%{RELEASE}\\n patroni patroni-etcd curl']);
    });

    it('sees what could be installed when dnf has the lists of pgprov’s repositories, without fetching any', async () => {
      const dnf = `case "$*" in *' -C repoquery '*) echo 'patroni 4.0.4-1PGDG.rhel9 candidate' ;; esac`;
      const host = new MadeUpHost({ root: work.path, programs: { rpm: 'exit 1', dnf }, paths: ['/var/cache/dnf'] });
      expect(await observe(shell, host.resource(resource))).toEqual({ patroni: undefined, 'patroni-etcd': undefined });
      expect(host.calls('dnf')).toEqual([]);
      host.write('/var/cache/dnf/pgprov-common-1/repodata/x', '');
      expect(await observe(shell, host.resource(resource))).toEqual({
        patroni: { candidate: '4.0.4-1PGDG.rhel9' },
        'patroni-etcd': undefined,
      });
      expect(host.calls('dnf')).toEqual([
        'dnf -q -y -C repoquery --latest-limit 1 --qf %{name} %{version}-%{release} candidate patroni patroni-etcd',
      ]);
    });

    it('sees nothing installed when there is no rpm', async () => {
      const host = new MadeUpHost({ root: work.path, programs: { rpm: 'exit 127' } });
      expect(await observe(shell, host.resource(resource))).toEqual({ patroni: undefined, 'patroni-etcd': undefined });
    });

    it('installs, once', async () => {
      const host = hostWith(install);
      const local = host.resource(dnfPackages({ ...options, disable: ['patroni'] }));
      const { answer: done, notes, after, left } = await bringAbout(shell, local);
      expect({ done, notes, left }).toEqual({ done: { status: 0, words: '' }, notes: [], left: [] });
      expect(after).toEqual({ patroni: '4.0.4-1PGDG.rhel9', 'patroni-etcd': '4.0.4-1PGDG.rhel9' });
      expect(host.calls('dnf', 'systemctl')).toEqual([
        'systemctl -q is-enabled patroni',
        call,
        'systemctl -q is-active patroni',
        'systemctl -q disable patroni',
      ]);
      expect((await bringAbout(shell, local)).changes).toEqual([]);
    });

    it('waits for another dnf', async () => {
      const host = hostWith(`[ $call -gt 1 ] || { echo 'metadata already locked by 8'; exit 200; }\n${install}`);
      const { answer: done, notes, left } = await bringAbout(shell, host.resource(resource));
      expect({ done, left }).toEqual({ done: { status: 0, words: '' }, left: [] });
      expect(notes).toEqual(["waiting for the package manager's lock (0 s)"]);
    });

    it('says so when the lock is never released', async () => {
      const host = hostWith(answering({ status: 200, words: 'metadata already locked by 8\n' }));
      const { answer: done, left } = await bringAbout(
        shell,
        host.resource(dnfPackages({ ...options, disable: ['patroni'], lockTimeout: 2 })),
      );
      expect(done).toEqual({
        status: 1,
        words: "metadata already locked by 8\nthe package manager's lock is held by another process, still after 2 s\n",
      });
      expect(left).toHaveLength(1);
      expect(host.calls('dnf')).toEqual([call, call]);
    });

    it.each([
      { title: 'a file that the mirror does not have any more', words: 'Errors:\n  - Status code: 404 for http://m/a.rpm\n' },
      { title: 'a package that the lists do not name', words: 'Error: Unable to find a match: patroni\n' },
      { title: 'an index that is gone', words: "Error: Failed to download metadata for repo 'x': All mirrors were tried\n" },
    ])('refreshes the lists once for $title', async ({ words }) => {
      const host = hostWith(`[ $call -gt 1 ] || { printf '${words.replaceAll('\n', '\\n')}'; exit 1; }\n${install}`);
      const { answer: done, notes, left } = await bringAbout(shell, host.resource(resource));
      expect({ done, notes, left }).toEqual({ done: { status: 0, words: '' }, notes: ['refreshing the package lists'], left: [] });
      expect(host.calls('dnf')).toEqual([call, refresh]);
    });

    it('refreshes at most once', async () => {
      const host = hostWith(answering({ status: 1, words: 'Error: Unable to find a match: patroni\n' }));
      const { answer: done } = await bringAbout(shell, host.resource(resource));
      expect(done).toEqual({ status: 1, words: 'Error: Unable to find a match: patroni\n' });
      expect(host.calls('dnf')).toEqual([call, refresh]);
    });

    it('names the repositories that may have a missing dependency', async () => {
      const host = hostWith(
        answering({ status: 1, words: 'Error: \n Problem: conflicting requests\n  - nothing provides python3-x needed by patroni\n' }),
      );
      const { answer: done } = await bringAbout(shell, host.resource(resource));
      expect(done).toEqual({
        status: 1,
        words:
          'Error: \n Problem: conflicting requests\n  - nothing provides python3-x needed by patroni\n' +
          'a package that it needs is in none of the enabled repositories; pgdg.epel: true enables EPEL, pgdg.crb: true CRB\n',
      });
      expect(host.calls('dnf')).toEqual([call]);
    });
  });
});
