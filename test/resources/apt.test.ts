import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { aptPackages } from '../../src/resources/apt-packages.js';
import { aptRepository } from '../../src/resources/apt-repository.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { observe, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';

const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });

describe('aptPackages', () => {
  const resource = aptPackages({ name: 'etcd', packages: ['etcd-server', 'etcd-client'] });
  const withUnit = aptPackages({ name: 'etcd', packages: ['etcd-server', 'etcd-client'], disable: ['etcd'] });

  it.each([
    { title: 'all there', text: 'etcd-server installed 3.5\netcd-client installed 3.5\n', changes: [] },
    { title: 'none known', text: '', changes: ['install etcd-server etcd-client'] },
    { title: 'one missing', text: 'etcd-client installed 3.5\n', changes: ['install etcd-server'] },
    { title: 'removed, configuration left', text: 'etcd-server config-files 3.5\netcd-client installed 3.5\n', changes: ['install etcd-server'] },
    { title: 'known and not installed', text: 'etcd-server not-installed \netcd-client installed 3.5\n', changes: ['install etcd-server'] },
    { title: 'missing, with a version to be had of each', text: 'etcd-server candidate 3.5-1\netcd-client candidate 3.5-2\n', changes: ['install etcd-server etcd-client (3.5-1, 3.5-2)'] },
    { title: 'missing, with a version to be had of one', text: 'etcd-server candidate 3.5-1\n', changes: ['install etcd-server etcd-client'] },
    { title: 'half configured', text: 'etcd-server half-configured 3.5\netcd-client installed 3.5\n', changes: ['install etcd-server'] },
  ])('$title', ({ text, changes }) => {
    const found = resource.diff(resource.parse(answer(text)));
    expect(found.map(({ action, summary }) => ({ action, summary }))).toEqual(changes.map((summary) => ({ action: 'install', summary })));
  });

  it('rejects what it does not know', () => expect(() => resource.parse(answer('what\n'))).toThrow(/packages:etcd/u));

  it('asks exactly so, and installs only what is missing', () => {
    expect(sharedSections([resource])[0]?.body.text).toMatchInlineSnapshot(`
      "pgprov_packages=$(
      dpkg-query -W -f '\${Package} \${db:Status-Status} \${Version}
      ' etcd-server etcd-client 2>/dev/null || :
      )"
    `);
    expect(resource.probe().text).toMatchInlineSnapshot(`
      "printf '%s\\n' "$pgprov_packages"
      for name in etcd-server etcd-client; do
      case "$pgprov_nl$pgprov_packages" in
      *"$pgprov_nl$name installed "*) ;;
      *)
      apt-cache policy etcd-server etcd-client 2>/dev/null | awk '/^[^ ]/ { sub(/:$/, ""); name = $0 } $1 == "Candidate:" && $2 != "(none)" { print name, "candidate", $2 }'
      break
      ;;
      esac
      done"
    `);
    expect(withUnit.apply([], { 'etcd-client': '3.5', 'etcd-server': undefined }).text).toMatchInlineSnapshot(`
      "policy=/usr/sbin/policy-rc.d
      restore() {
      rm -f "$policy"
      [ ! -e "$policy.pgprov-saved" ] || mv -f "$policy.pgprov-saved" "$policy"
      }
      trap restore EXIT
      if [ -e "$policy" ] && ! grep -qF '# pgprov: no service starts by itself while packages are installed' "$policy"; then mv -f "$policy" "$policy.pgprov-saved"; fi
      printf '#!/bin/sh\\n%s\\nexit 101\\n' '# pgprov: no service starts by itself while packages are installed' >"$policy"
      chmod 0755 "$policy"
      DEBIAN_FRONTEND=noninteractive
      NEEDRESTART_SUSPEND=1
      APT_LISTCHANGES_FRONTEND=none
      UCF_FORCE_CONFFOLD=1
      export DEBIAN_FRONTEND NEEDRESTART_SUSPEND APT_LISTCHANGES_FRONTEND UCF_FORCE_CONFFOLD
      apt_log=$(mktemp /run/pgprov-work/apt.XXXXXX)
      apt_get() {
      waited=0
      while :; do
      apt_status=0
      apt-get -q -y "$@" >"$apt_log" 2>&1 || apt_status=$?
      [ "$apt_status" != 0 ] || return 0
      grep -qE 'Could not get lock|Unable to (acquire|lock)' "$apt_log" || return "$apt_status"
      held=$(grep -m1 -oE 'held by process [0-9]+ \\([^)]*\\)' "$apt_log" || echo 'held by another process')
      if [ "$waited" -ge 300 ]; then
      echo "the package manager's lock is $held, still after $waited s" >"$apt_log"
      return "$apt_status"
      fi
      note "waiting for the package manager's lock, $held ($waited s)"
      sleep 2
      waited=$((waited + 2))
      done
      }
      apt_explain() {
      grep -E '^(E|W|dpkg): |^Err:|lock is held|No space left|  [45][0-9][0-9] ' "$apt_log" || tail -n 15 "$apt_log"
      }
      trap 'restore; rm -f "$apt_log"' EXIT
      if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
      note 'finishing an interrupted package installation'
      dpkg --force-confold --configure -a
      fi
      off=
      for unit in etcd; do systemctl -q is-enabled "$unit" 2>/dev/null || off="$off $unit"; done
      set -- -o Dpkg::Options::=--force-confold --no-install-recommends install etcd-server
      if ! apt_get "$@" && grep -qE 'Unable to locate package|no installation candidate|unmet dependencies|404 +Not Found' "$apt_log"; then
      note 'refreshing the package lists'
      if apt_get -o APT::Update::Error-Mode=any update; then apt_get "$@" || :; fi
      fi
      if [ "$apt_status" != 0 ]; then
      apt_explain
      [ -z "$off" ] || systemctl -q disable $off >/dev/null 2>&1 || :
      exit 1
      fi
      off=
      for unit in etcd; do systemctl -q is-active "$unit" || off="$off $unit"; done
      [ -z "$off" ] || systemctl -q disable $off"
    `);
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    const work = freshDirectory();
    const policy = 'etcd-server:\n  Installed: (none)\n  Candidate: 3.6-1\netcd-client:\n  Installed: 3.5\n  Candidate: 3.6-2\n';
    const apt = (known: string): MadeUpHost => new MadeUpHost({ root: work.path, programs: { 'dpkg-query': `printf '${known}'; exit 1`, 'apt-cache': `printf '${policy}'` } });

    it('asks once for all, and what could be installed only where something is missing', async () => {
      const host = apt('curl installed 8.1\\netcd-client installed 3.5\\netcd-server not-installed \\n');
      const wanted = [aptPackages({ name: 'x', packages: ['curl'] }), resource].map((each) => host.resource(each));
      const { answers } = await runSections(shell, [...sharedSections(wanted), ...wanted.map(({ id, probe }) => ({ id, mode: 'probe' as const, body: probe() }))]);
      expect(wanted.map(({ id, parse }) => parse(answers.get(id) ?? answer('')))).toEqual([
        { curl: '8.1' },
        { 'etcd-client': '3.5', 'etcd-server': { candidate: '3.6-1' } },
      ]);
      expect(host.calls('dpkg-query')).toHaveLength(1);
      expect(host.calls('apt-cache')).toEqual(['apt-cache policy etcd-server etcd-client']);
    });

    it('takes one architecture of a package for the package', async () => {
      const host = apt('etcd-client not-installed \\netcd-client installed 3.5\\netcd-server installed 3.5\\n');
      expect(await observe(shell, host.resource(resource))).toEqual({ 'etcd-client': '3.5', 'etcd-server': '3.5' });
      expect(host.calls('apt-cache')).toEqual([]);
    });
  });

  it('has a digest of its packages', () => {
    expect(aptPackages({ name: 'etcd', packages: ['etcd-server'] }).digest()).not.toBe(resource.digest());
  });
});

describe('aptRepository', () => {
  const options = { name: 'pgdg', uri: 'https://apt.postgresql.org/pub/repos/apt', suite: 'trixie-pgdg', components: ['main'], signedBy: '/k.asc' };
  const resource = aptRepository(options);
  const content = 'Types: deb\nURIs: https://apt.postgresql.org/pub/repos/apt\nSuites: trixie-pgdg\nComponents: main\nSigned-By: /k.asc\n';

  it.each([
    { title: 'as desired', text: `listed\nfile root root 644\n${content}`, changes: [] },
    { title: 'without its lists', text: `unlisted\nfile root root 644\n${content}`, changes: ['fetch the package lists of https://apt.postgresql.org/pub/repos/apt trixie-pgdg'] },
    { title: 'absent', text: 'unlisted\nabsent\n', changes: ['write /etc/apt/sources.list.d/pgdg.sources (root:root 0644)'] },
    { title: 'another address', text: 'listed\nfile root root 644\nx\n', changes: ['write /etc/apt/sources.list.d/pgdg.sources'] },
  ])('$title', ({ text, changes }) => {
    expect(resource.diff(resource.parse(answer(text))).map(({ summary }) => summary)).toEqual(changes);
  });

  it.each(['', 'listed\n', 'listed\nwhat\n'])('rejects %j', (text) => expect(() => resource.parse(answer(text))).toThrow(/apt-repository:pgdg/u));

  it('is added exactly so', () => {
    expect(resource.apply([], { listed: false, file: { type: 'absent' } }).text).toMatchInlineSnapshot(`
      "work=$(mktemp -d /run/pgprov-work/sources.XXXXXX)
      chmod 0755 "$work"
      printf %s 'Types: deb
      URIs: https://apt.postgresql.org/pub/repos/apt
      Suites: trixie-pgdg
      Components: main
      Signed-By: /k.asc
      ' >"$work/draft.sources"
      DEBIAN_FRONTEND=noninteractive
      NEEDRESTART_SUSPEND=1
      APT_LISTCHANGES_FRONTEND=none
      UCF_FORCE_CONFFOLD=1
      export DEBIAN_FRONTEND NEEDRESTART_SUSPEND APT_LISTCHANGES_FRONTEND UCF_FORCE_CONFFOLD
      apt_log=$(mktemp /run/pgprov-work/apt.XXXXXX)
      apt_get() {
      waited=0
      while :; do
      apt_status=0
      apt-get -q -y "$@" >"$apt_log" 2>&1 || apt_status=$?
      [ "$apt_status" != 0 ] || return 0
      grep -qE 'Could not get lock|Unable to (acquire|lock)' "$apt_log" || return "$apt_status"
      held=$(grep -m1 -oE 'held by process [0-9]+ \\([^)]*\\)' "$apt_log" || echo 'held by another process')
      if [ "$waited" -ge 300 ]; then
      echo "the package manager's lock is $held, still after $waited s" >"$apt_log"
      return "$apt_status"
      fi
      note "waiting for the package manager's lock, $held ($waited s)"
      sleep 2
      waited=$((waited + 2))
      done
      }
      apt_explain() {
      grep -E '^(E|W|dpkg): |^Err:|lock is held|No space left|  [45][0-9][0-9] ' "$apt_log" || tail -n 15 "$apt_log"
      }
      trap 'rm -rf "$work" "$apt_log"' EXIT
      if ! apt_get -o Dir::Etc::sourcelist="$work/draft.sources" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 update; then
      apt_explain
      echo 'the repository https://apt.postgresql.org/pub/repos/apt trixie-pgdg was not added; check the address (pgdg.base_url) and its signature'
      exit 1
      fi
      rm -f /etc/apt/sources.list.d/pgdg.sources.pgprov.??????
      new=$(mktemp /etc/apt/sources.list.d/pgdg.sources.pgprov.XXXXXX)
      trap 'rm -f "$new"' EXIT
      chmod 0600 "$new"
      printf %s 'Types: deb
      URIs: https://apt.postgresql.org/pub/repos/apt
      Suites: trixie-pgdg
      Components: main
      Signed-By: /k.asc
      ' >"$new"
      chown root:root "$new"
      chmod 0644 "$new"
      if ! mv -fT "$new" /etc/apt/sources.list.d/pgdg.sources 2>/dev/null; then
      cat "$new" >/etc/apt/sources.list.d/pgdg.sources
      chown root:root /etc/apt/sources.list.d/pgdg.sources
      chmod 0644 /etc/apt/sources.list.d/pgdg.sources
      fi
      if command -v restorecon >/dev/null 2>&1; then restorecon /etc/apt/sources.list.d/pgdg.sources || :; fi"
    `);
  });

  const work = freshDirectory();
  const apt = isThere('apt-get');
  /** The name that apt itself gives to a repository's list. */
  function named(uri: string): string {
    writeFileSync(work.at('x.sources'), `Types: deb\nURIs: ${uri}\nSuites: trixie-pgdg\nComponents: main\nTrusted: yes\n`);
    const sources = ['-o', `Dir::Etc::sourcelist=${work.at('x.sources')}`, '-o', 'Dir::Etc::sourceparts=-', '-o', `Dir::State::lists=${work.path}`];
    const told = execFileSync('apt-get', [...sources, '--print-uris', 'update'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /InRelease' (\S+)/u.exec(told)?.[1] ?? told;
  }
  const looksFor = (uri: string): string => /lists\/([^\s']+)/u.exec(aptRepository({ ...options, uri }).probe().text)?.[1] ?? '';

  it.skipIf(!apt).each([
    'https://apt.postgresql.org/pub/repos/apt',
    'http://mirror.example:8080/a_b/apt/',
    'http://10.0.0.1/x-y.z',
  ])('looks for the list that apt makes for %s', (uri) => expect(looksFor(uri)).toBe(named(uri)));

  it.skipIf(!apt).each(['http://mirror.example/~me/apt', 'https://user:word@mirror.example/apt', 'http://mirror.example/a=b'])(
    'looks for the list that apt makes for %s',
    (uri) => expect(looksFor(uri)).toBe(named(uri)),
  );
});
