import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { joinScripts, sh, Script } from '../../../src/shell/quote.js';
import { frameScript } from '../../../src/shell/frame.js';
import { parseChunks } from '../../support/sections.js';
import { feed, type Ended, type Shell } from '../../support/shells.js';
import type { HostScript } from './host-scripts.js';
import { patience } from '../../support/patience.js';

/** One call of a program, with the bytes of its arguments. */
export interface Call {
  name: string;
  words: string[];
}

/** What scripts did, one by one. */
export interface Recording {
  calls: Call[][];
  /** Of all of them: what the shell itself said, other than stand-ins. */
  words: string;
}

/** Programs that only record; what is not named here is not found, which the tests notice. */
const SILENT = [
  'bash',
  'chmod',
  'chown',
  'cp',
  'curl',
  'df',
  'dnf',
  'dpkg',
  'env',
  'etcdctl',
  'id',
  'journalctl',
  'ls',
  'matchpathcon',
  'mkdir',
  'nft',
  'od',
  'pg_createcluster',
  'pg_ctlcluster',
  'readlink',
  'restorecon',
  'rm',
  'rmdir',
  'rpm',
  'runuser',
  'selinuxenabled',
  'semanage',
  'sha256sum',
  'ss',
  'stat',
  'systemctl',
  'timeout',
  'touch',
  'ufw',
  'uname',
];

/** Programs that read to the end, without which those that write to them would be killed sooner or later. */
const FILTERS = ['awk', 'base64', 'cmp', 'cut', 'grep', 'head', 'sed', 'sha1sum', 'sort', 'tail', 'tr'];

/** Names that no function of dash can have. */
const DASHED = ['apt-get', 'dpkg-query', 'firewall-cmd', 'apt-key', 'apt-mark', 'apt-cache', 'update-rc.d'];

/** Programs whose standard input counts as an argument, where these options say that they read it. */
const READERS: Readonly<Record<string, string>> = { curl: '-K', runuser: '-f', etcdctl: 'txn' };

/** Directories of a host that scripts write to without asking a program. */
const WRITTEN = [
  '/var/lib/pgprov',
  '/run/pgprov',
  '/etc/etcd',
  '/etc/patroni',
  '/etc/pki/etcd',
  '/etc/postgresql',
  '/etc/nftables',
  '/etc/sysconfig',
  '/etc/systemd',
  '/etc/yum.repos.d',
  '/usr/sbin',
  '/usr/lib/apt',
  '/usr/lib/postgresql',
  '/usr/pgsql',
];

/** Those of them that are there. */
const WRITABLE = [
  'scratch/dir',
  '/var/lib/pgprov/applied',
  '/var/lib/pgprov/unknown-modules',
  '/var/lib/pgprov/clusters',
  '/run/pgprov-work',
  '/etc/systemd/system',
  '/etc/nftables.d',
  '/etc/sysconfig',
  '/usr/sbin',
];

/** A directory in which scripts do nothing but leave a record of what they would have done. */
export class RecordingShell {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    for (const directory of ['bin', 'scratch', ...WRITABLE]) mkdirSync(join(root, directory), { recursive: true });
    for (const name of DASHED) this.#program(join('bin', name), name);
    for (const path of [
      '/usr/lib/apt/apt-helper',
      ...[13, 14, 15, 16, 17, 18].flatMap((version) => [
        `/usr/pgsql-${version}/bin/postgresql-${version}-setup`,
        `/usr/lib/postgresql/${version}/bin/psql`,
        `/usr/pgsql-${version}/bin/psql`,
      ]),
    ]) {
      this.#program(path, path.slice(path.lastIndexOf('/') + 1));
    }
    // Scripts look for these, and some of them are made by one script and seen by the next.
    for (const path of ['/usr/sbin/policy-rc.d', '/etc/etcd/tls/node.crt', '/etc/patroni/tls/node.crt', '/etc/pki/etcd/node.crt'])
      this.#write(path, '');
    this.#handOver(root);
  }

  #write(path: string, text: string): void {
    mkdirSync(join(this.#root, path, '..'), { recursive: true });
    writeFileSync(join(this.#root, path), text);
  }

  #program(path: string, name: string): void {
    this.#write(path, `#!/bin/sh\nprintf '%s\\0' "$(($# + 1))" ${name} "$@" >>"$RECORD"\nexit "$STATUS"\n`);
    chmodSync(join(this.#root, path), 0o755);
  }

  /** Where the tests run as root the scripts do not, so that nothing of this machine can be changed. */
  #handOver(root: string): void {
    if (userInfo().uid !== 0) return;
    for (const path of [join(root, '..'), root]) chmodSync(path, 0o755);
    for (const path of ['scratch', ...WRITABLE, '/usr/sbin/policy-rc.d']) chownSync(join(root, path), NOBODY, NOBODY);
  }

  /** True once a piece of a value ran. */
  get sang(): boolean {
    return existsSync(join(this.#root, 'scratch', 'canary'));
  }

  /** Runs scripts, each in a section of one frame as the engine makes them; `status` is what every program ends with. */
  async run(shell: Shell, scripts: readonly HostScript[], status: 0 | 1): Promise<Recording> {
    const record = join(this.#root, 'scratch', 'record');
    for (const [name, text] of [
      ['record', ''],
      ['clock', FIRST_SECOND],
    ] as const) {
      writeFileSync(join(this.#root, 'scratch', name), text);
      if (userInfo().uid === 0) chownSync(join(this.#root, 'scratch', name), NOBODY, NOBODY);
    }
    const sections = scripts.map(({ id, script, step }, index) => ({
      id: `${index}:${id}`,
      mode: 'probe' as const,
      body: joinScripts([
        sh`pgprov_record section ${index}`,
        ...(step ? [sh`set -e`] : []),
        Script.build(this.#moved(script.text)),
        sh`true`,
      ]),
    }));
    const { text, nonce } = frameScript(sections);
    const ended = await this.#feed(
      shell,
      `${STAND_INS}\nexec 6>>"$RECORD"\n${text.replace(/^PATH=.*$/mu, `PATH=${join(this.#root, 'bin')}`)}`,
      { RECORD: record, STATUS: String(status), SCRATCH: join(this.#root, 'scratch'), CANARY: join(this.#root, 'scratch', 'canary') },
    );
    const { answers, complete } = parseChunks(nonce, [ended.out]);
    const words = [ended.err, ...[...answers.values()].map(({ out }) => out.toString('utf8'))].join('\n');
    if (!complete || answers.size !== scripts.length)
      throw new Error(`${shell} answered ${answers.size} of ${scripts.length} scripts: ${ended.err.slice(-2000)}`);
    return { calls: readRecord(readFileSync(record, 'utf8'), scripts.length), words };
  }

  #moved(text: string): string {
    return WRITTEN.reduce((moved, path) => moved.replaceAll(path, `${this.#root}${path}`), text);
  }

  #feed(shell: Shell, script: string, env: NodeJS.ProcessEnv): Promise<Ended> {
    const user = userInfo().uid === 0 ? { user: { uid: NOBODY, gid: NOBODY } } : {};
    return feed(shell, script, { env: { PATH: process.env['PATH'], ...env }, cwd: '/', timeout: patience(60_000), ...user });
  }
}

const NOBODY = 65534;

/** The clock that scripts see jumps by a thousand seconds with each look, at times that no value has. */
const FIRST_SECOND = '4711000000';
const CLOCK = /(?<!\d)4711\d{6}(?!\d)/gu;

/** One of the processes that this machine has at the moment, and may not have for the next script. */
const PROCESS = /^\/proc\/\d+(?:\/|$)/u;

/** Functions, which start no process and are found before any program. */
const STAND_INS = [
  'pgprov_record() { printf \'%s\\0\' "$#" "$@" >&6; }',
  'pgprov_input() { pgprov_option=$1 pgprov_name=$2; shift 2; for pgprov_word; do if [ "$pgprov_word" = "$pgprov_option" ]; then pgprov_record input "$pgprov_name" "$(/bin/cat; printf .)"; return; fi; done; }',
  ...SILENT.filter((name) => READERS[name] === undefined).map((name) => `${name}() { pgprov_record ${name} "$@"; return "$STATUS"; }`),
  ...FILTERS.map((name) => `${name}() { pgprov_record ${name} "$@"; while read -r pgprov_line; do :; done; return "$STATUS"; }`),
  ...Object.entries(READERS).map(
    ([name, option]) => `${name}() { pgprov_record ${name} "$@"; pgprov_input ${option} ${name} "$@"; return "$STATUS"; }`,
  ),
  // These are needed for a script to come to its end.
  'sleep() { :; }',
  // What asks so looks on beside the script, as often as it comes to before it is killed; here it never does.
  'kill() { if [ "$1" = -0 ]; then exec /bin/sleep 60; fi; command kill "$@"; }',
  'date() { read -r pgprov_now <"$SCRATCH/clock"; pgprov_now=$((pgprov_now + 1000)); echo "$pgprov_now" >"$SCRATCH/clock"; echo "$pgprov_now"; }',
  'dirname() { pgprov_up=${1%/*}; printf \'%s\\n\' "${pgprov_up:-/}"; }',
  'mktemp() { pgprov_record mktemp "$@"; case "$1" in -d) echo "$SCRATCH/dir" ;; *) echo "$SCRATCH/file" ;; esac; }',
  'cat() { case "$1" in /proc/*) ;; *) pgprov_record cat "$@" ;; esac; }',
  'mv() { pgprov_record mv "$@"; if [ "$1" = -fT ] && [ -f "$2" ]; then pgprov_record content "$3" "$(/bin/cat "$2"; printf .)"; fi; return "$STATUS"; }',
].join('\n');

/** `count` and so many items, again and again; every script begins with `section` and its number. */
function readRecord(record: string, sections: number): Call[][] {
  const items = record.split('\0');
  const calls: Call[][] = Array.from({ length: sections }, () => []);
  let section = 0;
  for (let at = 0; at < items.length - 1; ) {
    const count = Number(items[at]);
    const [name = '', ...found] = items.slice(at + 1, at + 1 + count);
    at += 1 + count;
    const words = found.map((word) => word.replace(CLOCK, 'now'));
    if (name === 'section') section = Number(words[0]);
    else if (!words.some((word) => PROCESS.test(word))) calls[section]?.push({ name, words });
  }
  return calls;
}
