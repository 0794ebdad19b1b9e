import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LAB_ID, removeLab } from '../../lab/index.js';
import { ensureNetwork, networkId } from '../../lab/network.js';
import { attempt, run } from '../../lab/process.js';
import { assertUninterrupted } from '../lib/interrupt.js';
import { networkName } from './networks.js';

/** A host with a file system of its own and sshd, and no more. */
export interface LightHost {
  name: string;
  address: string;
  container: string;
}

/** Hosts of the same key, so that a hundred need not make one each. */
export interface LightHosts {
  hosts: LightHost[];
  /** Knows all of them. */
  knownHosts: string;
}

const NETWORK = networkName('wide');
const FIRST_ADDRESS = 11;

/** So many containers are started at once as the engine takes without falling behind. */
const AT_ONCE = 4;

/** Takes back what the work of the measure does, and the memory of runs. */
const RESET = 'userdel -r bench 2>/dev/null; rm -rf /var/log/bench.log /var/lib/bench.done /var/lib/pgprov /home/bench';

/** Starts containers of the benchmark's image that run sshd alone. */
export async function startLightHosts(count: number, image: string, directory: string): Promise<LightHosts> {
  await removeLab(NETWORK);
  const network = await ensureNetwork(NETWORK);
  const keys = join(directory, 'host-key');
  await mkdir(keys, { recursive: true });
  await run`ssh-keygen -q -t ed25519 -N ${''} -C light -f ${join(keys, 'key')}`;
  const hosts = Array.from({ length: count }, (_, index): LightHost => {
    const name = `light${index + 1}`;
    return { name, address: `${network.prefix}.${FIRST_ADDRESS + index}`, container: `${networkId(NETWORK)}-${name}` };
  });
  // The directory is how programs tell that systemd runs, on which pgprov insists; the work has no use for it.
  const command = 'mkdir -p /run/sshd /run/systemd/system && cp /host-key/key /etc/ssh/ssh_host_ed25519_key && exec /usr/sbin/sshd -D';
  await inParallel(hosts, async ({ name, address, container }) => {
    const facts = [
      `pgprov.lab=${LAB_ID}`,
      'pgprov.lab.role=host',
      `pgprov.lab.network=${NETWORK}`,
      `pgprov.lab.name=${name}`,
      `pgprov.lab.address=${address}`,
    ];
    const labels = facts.flatMap((label) => ['--label', label]);
    const place = ['--network', network.id, '--ip', address, '--hostname', name, '--volume', `${keys}:/host-key:ro`, '--tmpfs', '/run'];
    await run`docker run --detach --name ${container} ${labels} ${place} --security-opt seccomp=unconfined ${image} sh -c ${command}`;
  });
  const knownHosts = join(directory, 'known_hosts');
  const [type, key] = (await run`cat ${join(keys, 'key.pub')}`).stdout.split(' ');
  await writeFile(knownHosts, hosts.map(({ address }) => `${address} ${type} ${key}\n`).join(''));
  await inParallel(hosts, ({ container }) => untilListening(container));
  return { hosts, knownHosts };
}

/** Makes hosts fresh again. */
export async function resetLightHosts(hosts: readonly LightHost[]): Promise<void> {
  await inParallel(hosts, async ({ container }) => {
    await run`docker exec ${container} sh -c ${`${RESET}; true`}`;
  });
}

/** @throws Error naming the first host on which the work is not done */
export async function verifyLightHosts(hosts: readonly LightHost[], copied: string): Promise<void> {
  const check = `test "$(getent passwd bench | cut -d: -f6,7)" = /home/bench:/bin/bash && test "$(stat -c %U:%a /var/log/bench.log)" = bench:664 &&
test "$(stat -c %U:%a /home/bench/copied.txt)" = bench:644 && test "$(sha256sum </home/bench/copied.txt)" = "${copied}  -" && test -e /var/lib/bench.done`;
  await inParallel(hosts, async ({ name, container }) => {
    if ((await attempt`docker exec ${container} sh -c ${check}`).exitCode !== 0) throw new Error(`${name} is not as it should be`);
  });
}

async function untilListening(container: string): Promise<void> {
  await run`docker exec ${container} sh -c ${'for i in $(seq 600); do [ -n "$(ss -Hltn \'sport = :22\')" ] && exit 0; sleep 0.1; done; exit 1'}`;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
        assertUninterrupted();
        await work(item);
      }
    }),
  );
}
