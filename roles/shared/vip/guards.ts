import { isIPv4 } from 'node:net';
import {
  canonicalNetwork,
  enumerate,
  FOREIGN_ADDRESS,
  serviceHandle,
  VIRTUAL_ADDRESS,
  type Host,
  type Inventory,
  type Objection,
  type VariableProblem,
  type View,
} from '../../../src/index.js';
import { hostsWith } from '../layout.js';
import { variables } from '../variables.js';
import { addressOf, follows } from './address.js';
import { addressLine, KEEPALIVED, KEEPALIVED_CONFIG, KEEPALIVED_UNIT, ownerWords } from './config-file.js';

/** What cannot work, as far as the inventory shows it. */
export function vipProblems(hosts: readonly Host[], inventory: Pick<Inventory, 'hosts'>): VariableProblem[] {
  const [first] = hosts;
  if (first === undefined) return [];
  return [...wrongAddress(first, inventory), ...wrongHosts(hosts)];
}

/** What works, but leaves clients without the address at times. */
export function vipWarnings(hosts: readonly Host[], inventory: Pick<Inventory, 'hosts'>): VariableProblem[] {
  const [first] = hosts;
  if (first === undefined || follows(first) !== 'patroni') return [];
  const without = hostsWith(inventory, 'patroni').filter(
    (host) => !host.roles.includes('vip') && variables(host, 'patroni').tags['nofailover'] !== true,
  );
  const [one] = without;
  if (one === undefined) return [];
  const names = enumerate(without.map(({ name }) => name));
  return [
    {
      host: one,
      path: 'roles',
      message: `${names} may lead without the role vip, and nobody has the virtual address then`,
      hint: 'give the role to all members',
    },
  ];
}

function wrongAddress(host: Host, { hosts }: Pick<Inventory, 'hosts'>): VariableProblem[] {
  const { address, prefix } = addressOf(host);
  const at = { host, path: 'vip.address' };
  const network = canonicalNetwork(`${address}/${prefix}`);
  if (!isIPv4(address) || network === undefined || prefix < 8)
    return [{ ...at, message: 'must be an IPv4 address with the length of its network’s prefix', hint: 'write it as 10.0.0.100/24' }];
  if (prefix < 31 && (network === `${address}/${prefix}` || isBroadcast(address, prefix)))
    return [{ ...at, message: `${address} stands for the whole network ${network}`, hint: 'give an address of it that no host has' }];
  const owner = hosts.find((one) => one.clusterAddress === address || one.address === address);
  if (owner === undefined) return [];
  return [{ ...at, message: `${address} is the address of ${owner.name}`, hint: 'give one that no host has' }];
}

/** Whether all bits behind the prefix are set. */
function isBroadcast(address: string, prefix: number): boolean {
  const bits = address
    .split('.')
    .map((byte) => Number(byte).toString(2).padStart(8, '0'))
    .join('');
  return !bits.slice(prefix).includes('0');
}

function wrongHosts(hosts: readonly Host[]): VariableProblem[] {
  const [first] = hosts as [Host];
  const named = hosts.find(({ clusterAddress }) => !isIPv4(clusterAddress));
  const other = hosts.find((host) => follows(host) !== follows(first));
  const none = hosts.find((host) => follows(host) === undefined);
  const problem = (host: Host, message: string, hint: string): VariableProblem[] => [{ host, path: 'roles', message, hint }];
  if (none !== undefined)
    return problem(
      none,
      `the address of the role vip follows HAProxy or Patroni, and ${none.name} has neither`,
      'give the role vip to the hosts with the role haproxy, or to the members',
    );
  if (other !== undefined)
    return problem(
      other,
      `the address of the role vip would follow HAProxy on some hosts and Patroni on others, ${first.name} and ${other.name}`,
      'give the role vip only to hosts with the role haproxy, or to members without it',
    );
  if (hosts.length < 2)
    return problem(first, 'only one host has the role vip, and nobody could take its address over', 'give the role to a second host');
  if (named !== undefined)
    return problem(
      named,
      `${named.name} has no IPv4 address as cluster_address, by which hosts with the role vip speak with each other`,
      'give it one',
    );
  return [];
}

/** What keeps hosts from taking the address, as they answered. */
export function vipObjections(view: View): Objection[] {
  const hosts = view.hosts('vip');
  return [...hosts.flatMap((host) => [...otherConfiguration(view, host), ...wrongNetwork(view, host)]), ...taken(view, hosts)];
}

function preflight(host: Host, message: string, hint: string): Objection[] {
  return [{ kind: 'preflight', host: host.name, message: `${host.name}: ${message}`, hint }];
}

function configText(view: View, { name }: Host): string {
  const { file } = view.read(name, KEEPALIVED) ?? {};
  return file?.type === 'file' ? file.content.toString('utf8') : '';
}

/** Packages bring a sample that nothing runs; what runs, or is to, is somebody's. */
function otherConfiguration(view: View, host: Host): Objection[] {
  const text = configText(view, host);
  const { active, enabled } = view.read(host.name, serviceHandle(KEEPALIVED_UNIT)) ?? {};
  if (text === '' || text.startsWith(ownerWords(view.inventory.cluster))) return [];
  const [, cluster] = /^# Managed by pgprov for the cluster ([^:\n]+):/u.exec(text) ?? [];
  if (cluster !== undefined)
    return preflight(
      host,
      `keepalived has the virtual address of the cluster ${cluster}`,
      'a host has the role vip for one cluster; take it from the host in one of the inventories',
    );
  if (active !== 'active' && active !== 'reloading' && enabled !== true) return [];
  return preflight(
    host,
    `keepalived runs there with a configuration that is not pgprov’s, ${KEEPALIVED_CONFIG}`,
    `if it is not needed any more, run \`systemctl disable --now ${KEEPALIVED_UNIT}\` there; otherwise give the role vip to other hosts`,
  );
}

function wrongNetwork(view: View, host: Host): Objection[] {
  const seen = view.read(host.name, VIRTUAL_ADDRESS);
  const config = view.read(host.name, KEEPALIVED);
  if (seen === undefined || config === undefined) return [];
  const { address, prefix } = addressOf(host);
  const { clusterAddress } = host;
  const name = config.interface;
  if (name === undefined)
    return preflight(host, `no network interface has ${clusterAddress}, its cluster address`, 'give vip.interface for this host');
  if (!seen.interfaces.includes(name)) {
    const rest = enumerate(seen.interfaces.filter((one) => one !== 'lo'));
    return preflight(host, `there is no network interface ${name} (vip.interface)`, `it has ${rest}`);
  }
  const own = seen.addresses.filter((one) => one.interface === name && one.address !== address);
  const inside = own.find((one) => canonicalNetwork(`${address}/${one.prefix}`) === canonicalNetwork(`${one.address}/${one.prefix}`));
  if (inside === undefined) {
    const networks = own.map((one) => canonicalNetwork(`${one.address}/${one.prefix}`) ?? one.address);
    return preflight(
      host,
      `${address} (vip.address) is outside of the network of ${name}, ${networks.length === 0 ? 'which has no address' : enumerate(networks)}`,
      'give an address of that network, or another vip.interface',
    );
  }
  if (prefix === inside.prefix || prefix === 32) return [];
  return preflight(
    host,
    `vip.address has a prefix of ${prefix} bits, and the network of ${name} one of ${inside.prefix}: connections of the host itself would leave with the virtual address`,
    `write it as ${address}/${inside.prefix}`,
  );
}

/** The address may be given to hosts only while nobody else has it. */
function taken(view: View, hosts: readonly Host[]): Objection[] {
  const holder = hosts.find((host) => {
    const { address } = addressOf(host);
    return !isOurs(view, host) && view.read(host.name, VIRTUAL_ADDRESS)?.addresses.some((one) => one.address === address) === true;
  });
  if (holder !== undefined) {
    const { address } = addressOf(holder);
    return preflight(
      holder,
      `it has ${address} (vip.address) already, and not from pgprov`,
      `give another address, or take it from the host: see \`ip address\` there`,
    );
  }
  // Once a host was given it, another one of the inventory may have it.
  if (hosts.some((host) => isOurs(view, host))) return [];
  const asked = hosts.flatMap((host) => {
    const seen = view.read(host.name, FOREIGN_ADDRESS);
    return seen === undefined ? [] : [{ host, ...seen }];
  });
  const answered = asked.find(({ answer }) => answer === 'answers');
  if (answered !== undefined) {
    const { host, hardware } = answered;
    const left = hostsWith(view.inventory, 'vip').filter(({ name }) => !view.surveyed(name));
    const others = left.length === 0 ? '' : `, or include ${enumerate(left.map(({ name }) => name))}, in case one of them has it`;
    return preflight(
      host,
      `${addressOf(host).address} (vip.address) is in use already: something answers for it in the network${hardware === undefined ? '' : `, with the hardware address ${hardware}`}`,
      `give an address that nobody has${others}`,
    );
  }
  const [first] = asked;
  if (first === undefined || asked.some(({ answer }) => answer === 'silent')) return [];
  return preflight(
    first.host,
    `it cannot tell whether ${addressOf(first.host).address} (vip.address) is in use already`,
    'install iproute2 (iproute) and bash there',
  );
}

/** pgprov gave the host the address to take over in an earlier run. */
function isOurs(view: View, host: Host): boolean {
  return configText(view, host).includes(`\n${addressLine(host, view.inventory)}\n`);
}
