import { BlockList } from 'node:net';
import { Session } from '../../engine/session.js';
import { probeSections, takeStates } from '../../engine/survey.js';
import { InputError } from '../../lib/errors.js';
import type { Host } from '../../model/index.js';
import { answerText, type Observation } from '../../resources/resource.js';
import { sh } from '../../shell/quote.js';
import { openTransport } from '../pipeline/open-transport.js';

/** An IPv4 address that a machine has. */
export interface SeenAddress {
  address: string;
  /** Bits of the network's part. */
  prefix: number;
  /** Whether the default route leads over its interface, as it does over the one that Vagrant manages the machine by. */
  isDefault: boolean;
}

const ADDRESSES: Observation<SeenAddress[]> = {
  id: 'addresses',
  probe: () => sh`ip -o -4 route show default 2>/dev/null || :
ip -o -4 addr show scope global 2>/dev/null || :`,
  parse: (answer) => readAddresses(answerText(answer)),
};

/** The addresses in what `ip -o route` and `ip -o addr` print, in the order of the interfaces. */
export function readAddresses(text: string): SeenAddress[] {
  const lines = text.split('\n');
  const defaults = new Set(lines.flatMap((line) => /^default\b.*\bdev (\S+)/u.exec(line)?.[1] ?? []));
  return lines.flatMap((line) => {
    const [, device = '', address, prefix] = /^\d+: (\S+)\s+inet ([\d.]+)\/(\d+)/u.exec(line) ?? [];
    return address === undefined ? [] : [{ address, prefix: Number(prefix), isDefault: defaults.has(device) }];
  });
}

/**
 * Asks running machines for their addresses, over SSH, side by side.
 * @throws UnreachableError when one cannot be asked
 */
export async function askForAddresses(hosts: readonly Host[]): Promise<Map<string, SeenAddress[]>> {
  const transport = await openTransport(hosts);
  const asked = hosts.map(async (host) => {
    const session = await Session.open(host, transport);
    try {
      const { byId } = await session.run(probeSections([ADDRESSES]));
      takeStates(session, [ADDRESSES], byId);
      return [host.name, session.seen(ADDRESSES)] as const;
    } finally {
      await session.close();
    }
  });
  return new Map(await Promise.all(asked));
}

/**
 * The address by which the others reach each machine: that in a network which all of them share. Vagrant gives VirtualBox
 * machines one address that all of them have, for NAT, and others a network to manage them by; a private network
 * goes before both.
 *
 * @param hints addresses that are known for some of the machines; a network that holds one goes first
 * @throws InputError when there is no such network
 */
export function chooseAddresses(seen: ReadonlyMap<string, readonly SeenAddress[]>, hints: readonly string[] = []): Map<string, string> {
  const times = new Map<string, number>();
  for (const { address } of [...seen.values()].flat()) times.set(address, (times.get(address) ?? 0) + 1);
  const own = new Map([...seen].map(([name, all]) => [name, all.filter(({ address }) => times.get(address) === 1)]));
  const [first = []] = own.values();
  const shared = first.filter((candidate) => [...own.values()].every((all) => all.some(sameNetwork(candidate))));
  const rank = (candidate: SeenAddress): number =>
    hints.some((hint) => networkOf(candidate).check(hint)) ? 0 : candidate.isDefault ? 2 : 1;
  const [best] = [...shared].sort((a, b) => rank(a) - rank(b));
  if (best === undefined) throw noNetwork(seen);
  return new Map([...own].map(([name, all]) => [name, (all.find(sameNetwork(best)) as SeenAddress).address]));
}

function networkOf({ address, prefix }: SeenAddress): BlockList {
  const network = new BlockList();
  network.addSubnet(address, prefix);
  return network;
}

function sameNetwork(of: SeenAddress): (other: SeenAddress) => boolean {
  const network = networkOf(of);
  return ({ address, prefix }) => prefix === of.prefix && network.check(address);
}

function noNetwork(seen: ReadonlyMap<string, readonly SeenAddress[]>): InputError {
  const list = [...seen].map(
    ([name, all]) => `${name} has ${all.map(({ address, prefix }) => `${address}/${prefix}`).join(', ') || 'none'}`,
  );
  return new InputError({
    kind: 'lab/no-network',
    message: `the machines share no network in which each has an IPv4 address of its own: ${list.join('; ')}`,
    hint: 'give them a private network in the Vagrantfile (`vm.network :private_network, ip: …`), or each a cluster_address in an inventory',
  });
}
