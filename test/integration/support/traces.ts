import type { LabHost } from '../../lab/index.js';
import { must } from './outside.js';

/** What pgprov would leave on a host if it wrote anything: files with times, packages, and units' processes. */
export async function traces(...hosts: LabHost[]): Promise<string[]> {
  const places = '/etc /usr/share/keyrings /usr/sbin /var/lib/pgprov /var/lib/postgresql /var/lib/etcd';
  const all = await Promise.all(
    hosts.map(async (host) => [
      await must(host, `find ${places} -xdev -printf '%p %y %m %u %s %T@\\n' 2>/dev/null | sort`),
      await must(host, "dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'"),
      await must(host, "systemctl list-unit-files -q 'etcd*' 'patroni*' 'postgresql*' || :"),
    ]),
  );
  return all.flatMap((parts, index) =>
    parts
      .join('\n')
      .split('\n')
      .map((line) => `${hosts[index]?.name} ${line}`),
  );
}

/** The same for hosts whose servers run and write: configuration, packages, and what the servers are started with. */
export async function lastingTraces(...hosts: LabHost[]): Promise<string[]> {
  const all = await Promise.all(
    hosts.map(async (host) => [
      await must(
        host,
        "find /etc /usr/share/keyrings /var/lib/pgprov /var/lib/postgresql/.pgpass -printf '%p %y %m %u %s %T@\\n' 2>/dev/null | sort",
      ),
      await must(host, "dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'"),
      await must(host, 'systemctl show -p Id -p MainPID -p ActiveState -p ActiveEnterTimestampMonotonic etcd patroni'),
      await must(host, 'ls -A /var/lib/postgresql/*/ /var/lib/etcd/ 2>/dev/null || :'),
    ]),
  );
  return all.flatMap((parts, index) =>
    parts
      .join('\n')
      .split('\n')
      .map((line) => `${hosts[index]?.name} ${line}`),
  );
}

/**
 * Holds dpkg's front-end lock on a host as another package manager would; `release` lets go of it.
 * dpkg uses POSIX record locks, which flock(1) does not take.
 */
export async function holdPackageLock(host: LabHost): Promise<{ release(): Promise<void> }> {
  const program = `use Fcntl;
open F, ">>", "/var/lib/dpkg/lock-frontend" or die;
my $whole = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
fcntl(F, F_SETLK, $whole) or die;
open R, ">", "/run/lock-held";
close R;
sleep 600;`;
  await must(host, 'rm -f /run/lock-held');
  await inBackground(host, 'other-package-manager', program, '[ -e /run/lock-held ]');
  return {
    async release() {
      await must(host, 'systemctl stop other-package-manager');
    },
  };
}

/** Puts something that listens on a port of a host, as a unit of that name. */
export async function listen(host: LabHost, port: number, unit: string): Promise<void> {
  const program = `use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalPort => ${port}, Listen => 5, ReuseAddr => 1) or die;
sleep 600;`;
  await inBackground(host, unit, program, `ss -Hltn 'sport = :${port}' | grep -q .`);
}

async function inBackground(host: LabHost, unit: string, program: string, ready: string): Promise<void> {
  const file = `/run/${unit}.pl`;
  const { code, stderr } = await host.exec(`cat >${file}`, { input: program });
  if (code !== 0) throw new Error(stderr);
  await must(
    host,
    `systemd-run -q --unit=${unit} perl ${file}; for i in $(seq 100); do ${ready} && exit 0; sleep 0.1; done; systemctl status ${unit}; exit 1`,
  );
}
