import {
  enumerate,
  pgprov,
  VIRTUAL_ADDRESS,
  type CheckResult,
  type Host,
  type StatusLine,
  type View,
  type VirtualAddressState,
} from '../../../src/index.js';
import { addressOf, follows } from './address.js';
import { KEEPALIVED, KEEPALIVED_UNIT } from './config-file.js';

/** The hosts that have the address now, of those that answered. */
export function holders(view: View): string[] {
  return view
    .hosts('vip')
    .filter((host) => holds(view.read(host.name, VIRTUAL_ADDRESS), host))
    .map(({ name }) => name);
}

function holds(state: VirtualAddressState | undefined, host: Host): boolean {
  const { address } = addressOf(host);
  return state?.addresses.some((one) => one.address === address) === true;
}

/** Who has the address, in a line of every host that may; nothing of a host that was not asked. */
export function addressLines(view: View, host: Host): StatusLine[] {
  const seen = view.read(host.name, VIRTUAL_ADDRESS);
  if (seen === undefined) return [];
  const { address } = addressOf(host);
  const all = holders(view);
  const others = all.filter((name) => name !== host.name);
  const on = seen.addresses.find((one) => one.address === address)?.interface;
  if (on !== undefined && others.length > 0) return [{ level: 'problem', text: `has ${address}, and so has ${enumerate(others)}` }];
  if (!seen.inForce)
    return [
      { level: 'problem', text: `keepalived does not run, or with another configuration${on === undefined ? '' : `; has ${address}`}` },
    ];
  if (on !== undefined) return [{ text: `has ${address}, on ${on}` }];
  const fault = faultOf(view, host, seen);
  if (fault !== undefined) return [{ level: 'problem', text: `cannot take ${address} over: ${fault}` }];
  return all.length === 0
    ? [{ level: 'problem', text: `no host that answered has ${address}` }]
    : [{ text: `would take ${address} over from ${enumerate(all)}` }];
}

/** Why keepalived on a host could not have the address, whoever is to have it, with what to do; undefined: as far as is seen, it could. */
function faultOf(view: View, host: Host, { interfaces, down, state }: VirtualAddressState): string | undefined {
  const config = view.read(host.name, KEEPALIVED);
  const { file } = config ?? {};
  const [, name] = /^ {4}interface (\S+)$/mu.exec(file?.type === 'file' ? file.content.toString('utf8') : '') ?? [];
  const said = state === 'FAULT' ? 'keepalived is in the state FAULT' : 'keepalived cannot use it';
  if (name !== undefined && !interfaces.includes(name)) {
    const now = config?.interface;
    const mend =
      now === undefined || !interfaces.includes(now)
        ? `bring it back (\`ip link\` there shows what it has), or give vip.interface for ${host.name}, then run ${pgprov`apply ${view.inventory}`}`
        : `its cluster address is on ${now} now: run ${pgprov`apply ${view.inventory}`}`;
    return `its network interface ${name} is gone, and ${said}; ${mend}`;
  }
  if (name !== undefined && down.includes(name))
    return `its network interface ${name} is down, and ${said}; run \`ip link set ${name} up\` there, or see what its link lacks`;
  // Where it follows the lead, all but the leader are in that state.
  if (state !== 'FAULT' || follows(host) !== 'haproxy') return undefined;
  return `${said}: HAProxy does not answer there, or keepalived’s own look at it fails; \`journalctl -u ${KEEPALIVED_UNIT} -n 50\` there says which`;
}

/** The address went with the lead; nothing where it follows proxies, or the member that leads cannot have it. */
export function addressFollowed(view: View, leader: string): CheckResult[] {
  const host = view.hosts('vip').find(({ name }) => name === leader);
  if (host === undefined || follows(host) !== 'patroni') return [];
  const all = holders(view);
  const detail = all.length === 0 ? 'no host has it' : enumerate(all);
  return [{ title: `the leader has ${addressOf(host).address}`, ok: all.length === 1 && all[0] === leader, detail, settles: true }];
}

/** Every host's keepalived runs with its configuration, and one host has the address. */
export function addressChecks(view: View): CheckResult[] {
  const hosts = view.hosts('vip').filter(({ name }) => view.read(name, VIRTUAL_ADDRESS) !== undefined);
  const [first] = hosts;
  if (first === undefined) return [];
  const all = holders(view);
  const { address } = addressOf(first);
  const running = hosts.map((host): CheckResult => {
    const ok = view.read(host.name, VIRTUAL_ADDRESS)?.inForce === true;
    const detail = ok ? `for ${address}` : 'it does not run, or with another configuration; its log says why';
    return { title: 'keepalived runs with its configuration', ok, detail, host: host.name, settles: true };
  });
  // One of those that were not asked may have it.
  if (all.length === 0 && hosts.length < view.inventory.hosts.filter(({ roles }) => roles.includes('vip')).length) return running;
  return [
    ...running,
    {
      title: `one host has ${address}`,
      ok: all.length === 1,
      detail: all.length === 0 ? 'no host has it' : enumerate(all),
      settles: true,
    },
  ];
}
