import { describe, expect, it } from 'vitest';
import { chooseAddresses, readAddresses } from '../../../src/cli/lab/addresses.js';

/** What a machine prints; the first device has the default route. */
function printed(...addresses: readonly string[]): string {
  const lines = addresses.map(
    (address, index) => `${index + 2}: eth${index}    inet ${address} brd 10.0.2.255 scope global eth${index}\\       valid_lft forever`,
  );
  return ['default via 10.0.2.2 dev eth0 proto dhcp metric 100 ', ...lines, ''].join('\n');
}

interface Case {
  name: string;
  machines: Record<string, string[]>;
  hints?: string[];
  chosen?: Record<string, string>;
  error?: string;
}

const CASES: Case[] = [
  {
    name: 'VirtualBox: NAT with one address for all, and a private network',
    machines: { pg1: ['10.0.2.15/24', '192.168.56.11/24'], pg2: ['10.0.2.15/24', '192.168.56.12/24'] },
    chosen: { pg1: '192.168.56.11', pg2: '192.168.56.12' },
  },
  {
    name: 'libvirt: a management network with the default route, and a private one',
    machines: { pg1: ['192.168.121.7/24', '10.9.0.11/16'], pg2: ['192.168.121.9/24', '10.9.1.12/16'] },
    chosen: { pg1: '10.9.0.11', pg2: '10.9.1.12' },
  },
  {
    name: 'the only network there is',
    machines: { pg1: ['172.17.0.2/16'], pg2: ['172.17.0.3/16'] },
    chosen: { pg1: '172.17.0.2', pg2: '172.17.0.3' },
  },
  {
    name: 'two private networks: the first',
    machines: { pg1: ['10.0.2.15/24', '10.1.0.1/24', '10.2.0.1/24'], pg2: ['10.0.2.15/24', '10.1.0.2/24', '10.2.0.2/24'] },
    chosen: { pg1: '10.1.0.1', pg2: '10.1.0.2' },
  },
  {
    name: 'the one that contains a known address',
    machines: { pg1: ['10.0.2.15/24', '10.1.0.1/24', '10.2.0.1/24'], pg2: ['10.0.2.15/24', '10.1.0.2/24', '10.2.0.2/24'] },
    hints: ['10.2.0.3'],
    chosen: { pg1: '10.2.0.1', pg2: '10.2.0.2' },
  },
  {
    name: 'a network that one machine is not in',
    machines: { pg1: ['10.1.0.1/24', '10.2.0.1/24'], pg2: ['10.1.0.2/24'] },
    chosen: { pg1: '10.1.0.1', pg2: '10.1.0.2' },
  },
  {
    name: 'a separate bridge on each machine',
    machines: { pg1: ['10.1.0.1/24', '172.17.0.1/16'], pg2: ['10.1.0.2/24', '172.17.0.1/16'] },
    chosen: { pg1: '10.1.0.1', pg2: '10.1.0.2' },
  },
  { name: 'a single machine', machines: { pg1: ['10.0.2.15/24', '192.168.56.11/24'] }, chosen: { pg1: '192.168.56.11' } },
  {
    name: 'only NAT',
    machines: { pg1: ['10.0.2.15/24'], pg2: ['10.0.2.15/24'] },
    error: 'the machines share no network in which each has an IPv4 address of its own: pg1 has 10.0.2.15/24; pg2 has 10.0.2.15/24',
  },
  {
    name: 'a machine that reports nothing',
    machines: { pg1: ['10.1.0.1/24'], pg2: [] },
    error: 'the machines share no network in which each has an IPv4 address of its own: pg1 has 10.1.0.1/24; pg2 has none',
  },
];

describe('the address in the cluster', () => {
  it.each(CASES)('is found with this network: $name', ({ machines, hints, chosen, error }) => {
    const seen = new Map(Object.entries(machines).map(([name, addresses]) => [name, readAddresses(printed(...addresses))]));
    const choose = (): Map<string, string> => chooseAddresses(seen, hints);
    if (error === undefined) expect(Object.fromEntries(choose())).toEqual(chosen);
    else expect(choose).toThrow(error);
  });

  it('is not taken from IPv6 lines or from noise', () => {
    expect(readAddresses('Welcome!\n2: eth0    inet6 fe80::1/64 scope link\n3: eth1 inet 10.0.0.1/8 scope global eth1\n')).toEqual([
      { address: '10.0.0.1', prefix: 8, isDefault: false },
    ]);
  });
});
