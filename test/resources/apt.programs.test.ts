import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { aptPackages } from '../../src/resources/apt-packages.js';
import { aptRepository } from '../../src/resources/apt-repository.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';

const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });

describe('aptPackages', () => {
  const resource = aptPackages({ name: 'etcd', packages: ['etcd-server', 'etcd-client'] });
  const withUnit = aptPackages({ name: 'etcd', packages: ['etcd-server', 'etcd-client'], disable: ['etcd'] });

  it.each([
    { title: 'all there', text: 'etcd-server installed 3.5\netcd-client installed 3.5\n', changes: [] },
    { title: 'none known', text: '', changes: ['install etcd-server etcd-client'] },
    { title: 'one missing', text: 'etcd-client installed 3.5\n', changes: ['install etcd-server'] },
    {
      title: 'removed, configuration left',
      text: 'etcd-server config-files 3.5\netcd-client installed 3.5\n',
      changes: ['install etcd-server'],
    },
    { title: 'known and not installed', text: 'etcd-server not-installed \netcd-client installed 3.5\n', changes: ['install etcd-server'] },
    {
      title: 'missing, with a candidate for each',
      text: 'etcd-server candidate 3.5-1\netcd-client candidate 3.5-2\n',
      changes: ['install etcd-server etcd-client (3.5-1, 3.5-2)'],
    },
    {
      title: 'missing, with a candidate for one',
      text: 'etcd-server candidate 3.5-1\n',
      changes: ['install etcd-server etcd-client'],
    },
    { title: 'half configured', text: 'etcd-server half-configured 3.5\netcd-client installed 3.5\n', changes: ['install etcd-server'] },
  ])('compares packages: $title', ({ text, changes }) => {
    const found = resource.diff(resource.parse(answer(text)));
    expect(found.map(({ action, summary }) => ({ action, summary }))).toEqual(changes.map((summary) => ({ action: 'install', summary })));
  });

  it.each([
    { title: 'nothing', text: 'etcd-server not-installed  install\netcd-client installed 3.5 install\n', obstacle: undefined },
    {
      title: 'a hold on an installed package',
      text: 'etcd-server not-installed  unknown\netcd-client installed 3.5 hold\n',
      obstacle: undefined,
    },
    {
      title: 'a hold',
      text: 'etcd-server not-installed  hold\netcd-client installed 3.5 install\netcd-server candidate 3.6\n',
      obstacle: {
        what: 'the package etcd-server is not installed, and on hold',
        advice: '`apt-mark unhold etcd-server` there lets it be installed; then run again',
      },
    },
    {
      title: 'two holds',
      text: 'etcd-server not-installed  hold\netcd-client config-files 3.5 hold\n',
      obstacle: {
        what: 'the packages etcd-server, etcd-client are not installed, and on hold',
        advice: '`apt-mark unhold etcd-server etcd-client` there lets them be installed; then run again',
      },
    },
  ])('are kept from being installed by $title', ({ text, obstacle }) =>
    expect(resource.obstacle?.(resource.parse(answer(text)), new Map())).toEqual(obstacle),
  );

  it('rejects unknown output', () => expect(() => resource.parse(answer('what\n'))).toThrow(/packages:etcd/u));

  inEveryShell(HOST_SHELLS, (shell) => {
    const work = freshDirectory();
    const policy = 'etcd-server:\n  Installed: (none)\n  Candidate: 3.6-1\netcd-client:\n  Installed: 3.5\n  Candidate: 3.6-2\n';
    const apt = (known: string): MadeUpHost =>
      new MadeUpHost({ root: work.path, programs: { 'dpkg-query': `printf '${known}'; exit 1`, 'apt-cache': `printf '${policy}'` } });

    it('asks once for all packages, and for candidates only when something is missing', async () => {
      const host = apt('curl installed 8.1\\netcd-client installed 3.5\\netcd-server not-installed \\n');
      const wanted = [aptPackages({ name: 'x', packages: ['curl'] }), resource].map((each) => host.resource(each));
      const { answers } = await runSections(shell, [
        ...sharedSections(wanted),
        ...wanted.map(({ id, probe }) => ({ id, mode: 'probe' as const, body: probe() })),
      ]);
      expect(wanted.map(({ id, parse }) => parse(answers.get(id) ?? answer('')))).toEqual([
        { curl: '8.1' },
        { 'etcd-client': '3.5', 'etcd-server': { candidate: '3.6-1' } },
      ]);
      expect(host.calls('dpkg-query')).toHaveLength(1);
      expect(host.calls('apt-cache')).toEqual(['apt-cache policy etcd-server etcd-client']);
    });

    it('recognises a package with an architecture suffix', async () => {
      const host = apt('etcd-client not-installed \\netcd-client installed 3.5\\netcd-server installed 3.5\\n');
      expect(await observe(shell, host.resource(resource))).toEqual({ 'etcd-client': '3.5', 'etcd-server': '3.5' });
      expect(host.calls('apt-cache')).toEqual([]);
    });
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    const work = freshDirectory();
    const POLICY = '/usr/sbin/policy-rc.d';
    const INSTALL = 'apt-get -q -y -o Dpkg::Options::=--force-confold --no-install-recommends install etcd-server';
    const UPDATE = 'apt-get -q -y -o APT::Update::Error-Mode=any update';
    const installs = (): string => `case "$*" in *' install '*) : >'${work.at('installed')}' ;; esac`;
    const hostWith = (aptGet: string, dpkg = ':'): MadeUpHost => {
      const known = `[ ! -e '${work.at('installed')}' ] || echo 'etcd-server installed 3.5'\necho 'etcd-client installed 3.5'`;
      const systemctl = 'case "$2" in is-*) exit 3 ;; esac';
      return new MadeUpHost({
        root: work.path,
        programs: { 'dpkg-query': known, 'apt-cache': ':', 'apt-get': aptGet, dpkg, systemctl, sleep: ':' },
        paths: ['/usr/sbin'],
      });
    };

    it('installs only what is missing, does not ask, and starts no service', async () => {
      const host = hostWith(
        `${installs()}\n'${work.at(POLICY)}'; echo "$? $DEBIAN_FRONTEND $UCF_FORCE_CONFFOLD $NEEDRESTART_SUSPEND $APT_LISTCHANGES_FRONTEND" >'${work.at('seen')}'`,
      );
      host.write(POLICY, 'theirs');
      const { answer: done, notes, left } = await bringAbout(shell, host.resource(withUnit));
      expect({ done, notes, left }).toEqual({ done: { status: 0, words: '' }, notes: [], left: [] });
      expect(readFileSync(work.at('seen'), 'utf8')).toBe('101 noninteractive 1 1 none\n');
      expect(host.calls('apt-get', 'systemctl')).toEqual([
        'systemctl -q is-enabled etcd',
        INSTALL,
        'systemctl -q is-active etcd',
        'systemctl -q disable etcd',
      ]);
      expect(readFileSync(host.at(POLICY), 'utf8')).toBe('theirs');
      expect(readdirSync(host.at('/usr/sbin'))).toEqual(['policy-rc.d']);
    });

    it('finishes an interrupted installation, and removes what it left to keep services from starting', async () => {
      const host = hostWith(installs(), '[ "$1" != --audit ] || echo half');
      host.write(POLICY, '#!/bin/sh\n# pgprov: no service starts by itself while packages are installed\nexit 101\n');
      const { notes, left } = await bringAbout(shell, host.resource(resource));
      expect({ notes, left }).toEqual({ notes: ['finishing an interrupted package installation'], left: [] });
      expect(host.calls('dpkg')).toEqual(['dpkg --audit', 'dpkg --force-confold --configure -a']);
      expect(readdirSync(host.at('/usr/sbin'))).toEqual([]);
    });

    const held = "echo 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 8 (apt-get)'; exit 100";

    it('waits for another apt, and names it', async () => {
      const { notes, left } = await bringAbout(shell, hostWith(`[ $call -gt 1 ] || { ${held}; }\n${installs()}`).resource(resource));
      expect({ notes, left }).toEqual({ notes: ["waiting for the package manager's lock, held by process 8 (apt-get) (0 s)"], left: [] });
    });

    it('says so when the lock is never released', async () => {
      const host = hostWith(held);
      const { answer: done } = await bringAbout(
        shell,
        host.resource(aptPackages({ name: 'etcd', packages: ['etcd-server', 'etcd-client'], lockTimeout: 2 })),
      );
      expect(done).toEqual({ status: 1, words: "the package manager's lock is held by process 8 (apt-get), still after 2 s\n" });
      expect(host.calls('apt-get')).toEqual([INSTALL, INSTALL]);
    });

    it.each([
      'E: Unable to locate package etcd-server',
      "E: Package 'etcd-server' has no installation candidate",
      'The following packages have unmet dependencies:',
      'Err:1 http://m etcd 404  Not Found',
    ])('refreshes the lists once for %j', async (words) => {
      const host = hostWith(`[ $call -gt 1 ] || { echo "${words}"; exit 100; }\n${installs()}`);
      const { notes, left } = await bringAbout(shell, host.resource(resource));
      expect({ notes, left }).toEqual({ notes: ['refreshing the package lists'], left: [] });
      expect(host.calls('apt-get')).toEqual([INSTALL, UPDATE, INSTALL]);
    });

    it('names packages on hold when they are the cause', async () => {
      const words = 'E: Unable to correct problems, you have held broken packages.';
      const host = new MadeUpHost({
        root: work.path,
        paths: ['/usr/sbin'],
        programs: {
          'dpkg-query': ':',
          'apt-cache': ':',
          'apt-get': `echo '${words}'; exit 100`,
          'apt-mark': 'echo libpq5; echo ssl-cert',
          dpkg: ':',
          sleep: ':',
        },
      });
      const { answer: done } = await bringAbout(shell, host.resource(resource));
      expect(done).toEqual({
        status: 1,
        words: `${words}\napt leaves what is on hold as it is; apt-mark unhold libpq5 ssl-cert lets it change that\n`,
      });
    });

    it('fails with apt’s own message, keeps units from starting at boot, and restores the policy', async () => {
      const host = hostWith("echo 'Reading package lists...'; echo 'E: No space left on device'; exit 100");
      const { answer: done, left } = await bringAbout(shell, host.resource(withUnit));
      expect(done).toEqual({ status: 1, words: 'E: No space left on device\n' });
      expect(left).toHaveLength(1);
      expect(host.calls('apt-get', 'systemctl')).toEqual(['systemctl -q is-enabled etcd', INSTALL, 'systemctl -q disable etcd']);
      expect(readdirSync(host.at('/usr/sbin'))).toEqual([]);
    });
  });

  it('has a digest of its package list', () => {
    expect(aptPackages({ name: 'etcd', packages: ['etcd-server'] }).digest()).not.toBe(resource.digest());
  });
});

describe('aptRepository', () => {
  const options = {
    name: 'pgdg',
    uri: 'https://apt.postgresql.org/pub/repos/apt',
    suite: 'trixie-pgdg',
    components: ['main'],
    signedBy: '/k.asc',
  };
  const resource = aptRepository(options);
  const content = 'Types: deb\nURIs: https://apt.postgresql.org/pub/repos/apt\nSuites: trixie-pgdg\nComponents: main\nSigned-By: /k.asc\n';

  it.each([
    { title: 'as desired', text: `listed\nfile root root 644\n${content}`, changes: [] },
    {
      title: 'without its lists',
      text: `unlisted\nfile root root 644\n${content}`,
      changes: ['fetch the package lists of https://apt.postgresql.org/pub/repos/apt trixie-pgdg'],
    },
    { title: 'absent', text: 'unlisted\nabsent\n', changes: ['write /etc/apt/sources.list.d/pgdg.sources (root:root 0644)'] },
    { title: 'another address', text: 'listed\nfile root root 644\nx\n', changes: ['write /etc/apt/sources.list.d/pgdg.sources'] },
  ])('compares its files: $title', ({ text, changes }) => {
    expect(resource.diff(resource.parse(answer(text))).map(({ summary }) => summary)).toEqual(changes);
  });

  it.each(['', 'listed\n', 'listed\nwhat\n'])('rejects %j', (text) =>
    expect(() => resource.parse(answer(text))).toThrow(/apt-repository:pgdg/u),
  );

  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    const SOURCES = '/etc/apt/sources.list.d';
    const PATH = `${SOURCES}/pgdg.sources`;
    const hostWith = (aptGet: string): MadeUpHost =>
      new MadeUpHost({ root: work.path, programs: { 'apt-get': aptGet, sleep: ':' }, paths: [SOURCES, '/var/lib/apt/lists'] });

    it.skipIf(process.getuid?.() !== 0)('has its lists fetched from a draft first, and is then written', async () => {
      const host = hostWith(`for word; do case "$word" in Dir::Etc::sourcelist=*) cp "\${word#*=}" '${work.at('draft')}' ;; esac; done
[ ! -e '${work.at(PATH)}' ] && : >'${work.at('/var/lib/apt/lists/apt.postgresql.org_pub_repos_apt_dists_trixie-pgdg_InRelease')}'`);
      const { answer: done, left } = await bringAbout(shell, host.resource(resource));
      expect({ done, left }).toEqual({ done: { status: 0, words: '' }, left: [] });
      expect([work.at('draft'), host.at(PATH)].map((path) => readFileSync(path, 'utf8'))).toEqual([content, content]);
      expect(host.calls().map((line) => line.replace(/sourcelist=\S+/u, 'sourcelist=DRAFT'))).toEqual([
        'apt-get -q -y -o Dir::Etc::sourcelist=DRAFT -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any ' +
          '-o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 update',
      ]);
      expect((await bringAbout(shell, host.resource(resource))).changes).toEqual([]);
    });

    it('keeps the current file when the lists cannot be fetched or verified', async () => {
      const host = hostWith("echo 'Hit:1 x'; echo 'E: The repository is not signed.'; exit 100");
      host.write(PATH, 'good\n');
      const { answer: done } = await bringAbout(shell, host.resource(resource));
      expect(done).toEqual({
        status: 1,
        words:
          'E: The repository is not signed.\n' +
          'the repository https://apt.postgresql.org/pub/repos/apt trixie-pgdg was not added; check the address (pgdg.base_url) and its signature\n',
      });
      expect(readFileSync(host.at(PATH), 'utf8')).toBe('good\n');
      expect(readdirSync(host.at(SOURCES))).toEqual(['pgdg.sources']);
    });
  });

  const apt = isThere('apt-get');
  /** The name that apt itself gives to a repository's list. */
  function named(uri: string): string {
    writeFileSync(work.at('x.sources'), `Types: deb\nURIs: ${uri}\nSuites: trixie-pgdg\nComponents: main\nTrusted: yes\n`);
    const sources = [
      '-o',
      `Dir::Etc::sourcelist=${work.at('x.sources')}`,
      '-o',
      'Dir::Etc::sourceparts=-',
      '-o',
      `Dir::State::lists=${work.path}`,
    ];
    const told = execFileSync('apt-get', [...sources, '--print-uris', 'update'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /InRelease' (\S+)/u.exec(told)?.[1] ?? told;
  }
  const looksFor = (uri: string): string => /lists\/([^\s']+)/u.exec(aptRepository({ ...options, uri }).probe().text)?.[1] ?? '';

  it.skipIf(!apt).each(['https://apt.postgresql.org/pub/repos/apt', 'http://mirror.example:8080/a_b/apt/', 'http://10.0.0.1/x-y.z'])(
    'looks for the list file that apt makes for %s',
    (uri) => expect(looksFor(uri)).toBe(named(uri)),
  );

  it.skipIf(!apt).each(['http://mirror.example/~me/apt', 'https://user:word@mirror.example/apt', 'http://mirror.example/a=b'])(
    'finds the list file that apt really makes for %s',
    (uri) => expect(looksFor(uri)).toBe(named(uri)),
  );
});
