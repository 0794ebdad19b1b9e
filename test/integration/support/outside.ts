import type { LabHost } from '../../lab/index.js';
import { placesOf } from './places.js';

/** Looks at a cluster with PostgreSQL's, etcd's and Patroni's own tools, past pgprov and past SSH. */

/** Runs a command on a host; fails the test with its words when it fails. */
export async function must(host: LabHost, command: string): Promise<string> {
  const { code, stdout, stderr } = await host.exec(command);
  if (code !== 0) throw new Error(`${host.name}: ${command}\nexit ${code}\n${stdout}${stderr}`);
  return stdout.trim();
}

/** Runs SQL as the operating-system user postgres. */
export function sql(host: LabHost, statement: string): Promise<string> {
  return must(host, `runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -c ${shellWord(statement)}`);
}

/** patronictl with the host's own configuration. */
export function patronictl(host: LabHost, words: string): Promise<string> {
  return must(host, `patronictl -c ${placesOf(host.os).patroniConfig} ${words}`);
}

/** One member as `patronictl list` shows it. */
export interface ListedMember {
  Member: string;
  Host: string;
  Role: string;
  State: string;
  TL: number;
  'Pending restart'?: string;
}

/** `patronictl list` as data. */
export async function patronictlList(host: LabHost): Promise<ListedMember[]> {
  return JSON.parse(await patronictl(host, 'list -f json')) as ListedMember[];
}

/**
 * `patronictl list` as sorted lines: `pg2 Replica streaming`. Tests ask it again and again, so Patroni says the same there, where it runs:
 * patronictl starts Python for each answer.
 */
export async function describeMembers(host: LabHost): Promise<string[]> {
  const { code, stdout } = await host.exec(`curl -sf -m 5 http://${host.address}:8008/cluster`);
  const members =
    code === 0
      ? (JSON.parse(stdout) as { members: { name: string; role: string; state: string }[] }).members.map(({ name, role, state }) => ({
          Member: name,
          Role: role.replaceAll('_', ' ').replace(/\b[a-z]/gu, (letter) => letter.toUpperCase()),
          State: state,
        }))
      : await patronictlList(host);
  return members.map(({ Member, Role, State }) => `${Member} ${Role} ${State}`).sort();
}

/** The dynamic configuration as `patronictl show-config` prints it. */
export function patronictlConfig(host: LabHost): Promise<string> {
  return patronictl(host, 'show-config');
}

/** etcdctl with the member's own keys. */
export function etcdctl(host: LabHost, words: string): Promise<string> {
  const { etcdTls } = placesOf(host.os);
  const tls = `--cacert=${etcdTls}/ca.crt --cert=${etcdTls}/node.crt --key=${etcdTls}/node.key`;
  return must(host, `ETCDCTL_API=3 etcdctl --endpoints=https://${host.address}:2379 ${tls} ${words} 2>&1`);
}

/** One line of pg_controldata. */
export async function controldata(host: LabHost, label: string): Promise<string> {
  const { postgresqlBin, data } = placesOf(host.os);
  const text = await must(host, `${postgresqlBin}/pg_controldata ${data}`);
  return new RegExp(`^${label}: *(.*)$`, 'mu').exec(text)?.[1] ?? '';
}

/** What must stay the same when nothing changes: processes, when the server started, and file times. */
export async function fingerprint(host: LabHost): Promise<string> {
  const [units, started, files] = await Promise.all([
    must(
      host,
      'systemctl show -p MainPID -p NRestarts -p ActiveEnterTimestampMonotonic etcd patroni; systemctl show -p ReloadResult patroni',
    ),
    sql(host, 'select pg_postmaster_start_time(), pg_conf_load_time()'),
    must(host, `find /etc /var/lib/pgprov ${placesOf(host.os).home}/.pgpass -type f -printf '%p %T@ %i\\n' 2>/dev/null | sort | sha256sum`),
  ]);
  return [units, started, files].join('\n');
}

/** How many SSH sessions the host's sshd has opened since it started. */
export async function sshSessions(host: LabHost): Promise<number> {
  return Number(
    await must(host, `journalctl -u ${placesOf(host.os).sshUnit} -o cat --no-pager | grep -c 'Accepted publickey for admin' || :`),
  );
}

/** How many commands were run through sudo. */
export async function sudoCommands(host: LabHost): Promise<number> {
  return Number(await must(host, "journalctl -t sudo -o cat --no-pager | grep -c 'COMMAND=' || :"));
}

/** A word for a POSIX shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
