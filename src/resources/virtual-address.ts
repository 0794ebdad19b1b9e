import { seconds } from '../shell/patience.js';
import { sh, type Script } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerLines, type Observation } from './resource.js';

/** An IPv4 address that a host has. */
export interface HostAddress {
  interface: string;
  address: string;
  /** Length of its network's prefix. */
  prefix: number;
}

/** What a host that may have a virtual address shows of it. */
export interface VirtualAddressState {
  /** All IPv4 addresses of the host. */
  addresses: readonly HostAddress[];
  /** The names of all its network interfaces. */
  interfaces: readonly string[];
  /** Those of them that are down, or whose link is. */
  down: readonly string[];
  /** keepalived runs with the configuration that it is to have. */
  inForce: boolean;
  /** The state in which keepalived is by its own log: `MASTER`, `BACKUP` or `FAULT`; absent where that was not asked, or its log does not tell. */
  state?: string;
}

/** What is seen of a virtual address on a host. */
export const VIRTUAL_ADDRESS = handle<VirtualAddressState>('virtual-address');

/** Succeeds where a process has this name, which keepalived gives the one that speaks VRRP (`vrrp_process_name`); also after a reload. */
export function keepalivedRunsWith(mark: string): Script {
  return sh`grep -qsxF ${mark} /proc/[0-9]*/comm`;
}

/**
 * A host's addresses, and whether its keepalived runs with a configuration.
 * @param mark the name of its process then; 15 characters at most
 */
export function virtualAddress(mark: string): Observation<VirtualAddressState> {
  const quick = withoutLog(mark);
  return {
    ...quick,
    thorough: {
      ...quick,
      probe: () => sh`${quick.probe()}
state=$(journalctl -q -u keepalived -n 300 -o cat --no-pager 2>/dev/null | sed -n 's/.*Entering \([A-Z]*\) STATE.*/\1/p' | tail -n 1)
[ -z "$state" ] || echo "state $state"`,
    },
  };
}

/** The flag of a network interface that is up (`IFF_UP`, linux/if.h). */
const IS_UP = 1;

function withoutLog(mark: string): Observation<VirtualAddressState> {
  return {
    ...VIRTUAL_ADDRESS,
    probe: () => sh`ip -o -4 addr show 2>/dev/null | while read -r number name family address rest; do echo "address $name $address"; done
for path in /sys/class/net/*; do
[ -d "$path" ] || continue
flags=0 link=
read -r flags <"$path/flags" && read -r link <"$path/operstate"
echo "interface $(basename "$path") $((flags & ${IS_UP})) $link"
done 2>/dev/null
if ${keepalivedRunsWith(mark)}; then echo in-force; fi`,
    parse: (answer) => {
      const lines = answerLines(answer).map((line) => line.split(' '));
      return {
        addresses: lines.flatMap(([word, name = '', text = '']) => {
          const [address = '', prefix = '32'] = text.split('/');
          return word === 'address' ? [{ interface: name, address, prefix: Number(prefix) }] : [];
        }),
        interfaces: lines.flatMap(([word, name = '']) => (word === 'interface' ? [name] : [])),
        down: lines.flatMap(([word, name = '', up, link = '']) =>
          word === 'interface' && (up === '0' || link.endsWith('down')) ? [name] : [],
        ),
        ...lines.flatMap(([word, state]) => (word === 'state' && state !== undefined ? [{ state }] : [])).at(-1),
        inForce: lines.some(([word]) => word === 'in-force'),
      };
    },
  };
}

/** Whether another machine has an address. */
export interface ForeignAddress {
  /** `ours`: this host has it, or was given it to take over by pgprov; `unknown`: it could not be asked. */
  answer: 'ours' | 'silent' | 'answers' | 'unknown';
  /** The hardware address that answers for it, where it was seen. */
  hardware?: string;
}

/** What is seen of who has an address before the host may. */
export const FOREIGN_ADDRESS = handle<ForeignAddress>('foreign-address');

/** Seconds for a connection that nothing answers; the kernel gives up an address without a neighbour after three. */
const PATIENCE = 5;

/**
 * Whether another machine answers for an address of the host's own network. A connection is tried, and its failure is not what counts: what counts is
 * whether the kernel has found a neighbour, because a firewall keeps nobody from answering that (ARP). What it remembers of the address is taken
 * out first, because that may be half a minute old. A host whose configuration of keepalived has the address from pgprov already is not asked,
 * because another one may have it then.
 * @param config keepalived's configuration
 * @param ours a line that it has where pgprov wrote it for this address
 */
export function foreignAddress(address: string, config: string, ours: string): Observation<ForeignAddress> {
  return {
    ...FOREIGN_ADDRESS,
    when: 'start',
    probe: () => sh`if grep -qsxF ${ours} ${config} || ip -o -4 addr show 2>/dev/null | grep -qF ${` ${address}/`}; then echo ours
elif ! command -v bash >/dev/null 2>&1 || ! command -v ip >/dev/null 2>&1; then echo unknown
else
ip -4 neigh flush to ${address} >/dev/null 2>&1 || :
tried=$(timeout ${seconds(PATIENCE)} bash -c ${`: </dev/tcp/${address}/9`} 2>&1) && tried=refused
seen=$(ip -4 neigh show to ${address} 2>/dev/null) || :
case "$tried:$seen" in
*refused*|*REACHABLE*|*STALE*|*DELAY*|*PROBE*|*PERMANENT*) answer=answers ;;
*) answer=silent ;;
esac
echo "$answer $(printf '%s\n' "$seen" | sed -n 's/.* lladdr \([^ ]*\).*/\1/p' | head -n 1)"
fi`,
    parse: (answer) => {
      const [word = '', hardware = ''] = (answerLines(answer)[0] ?? '').split(' ');
      const known = ['ours', 'silent', 'answers'] as const;
      return { answer: known.find((name) => name === word) ?? 'unknown', ...(hardware === '' ? {} : { hardware }) };
    },
  };
}
