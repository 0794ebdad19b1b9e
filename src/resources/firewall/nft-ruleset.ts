import { canonicalNetwork, mergeOpenings, passage, type Opening, type Passage } from './opening.js';

/** A table that filters what comes in. */
export interface NftTable {
  family: string;
  name: string;
  /** Its input chains, and whether each leads to our chain. */
  hooks: { chain: string; jumps: boolean }[];
  /** What our chain in it lets through. */
  openings: Opening[];
}

/** The parts of `nft -j list ruleset` that matter here; see libnftables-json(5). */
interface Listed {
  chain?: { family: string; table: string; name: string; type?: string; hook?: string };
  rule?: { family: string; table: string; chain: string; expr: Expression[] };
}

interface Expression {
  jump?: { target: string };
  match?: { left: { payload?: { field: string; protocol?: string }; meta?: { key: string } }; right: unknown };
}

/** VRRP's number among the protocols of IP; nft names it only where /etc/protocols does. */
export const VRRP = 112;

/** Families whose tables see what comes in over IP. */
const FAMILIES = new Set(['ip', 'ip6', 'inet']);

/** The tables with an input chain in nft's JSON; none where there is no answer. */
export function readTables(json: string, ourChain: string): NftTable[] {
  const listed = json === '' ? [] : (JSON.parse(json) as { nftables: Listed[] }).nftables;
  const rules = listed.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  const tables = new Map<string, NftTable>();
  for (const { chain } of listed) {
    if (chain?.hook !== 'input' || chain.type !== 'filter' || !FAMILIES.has(chain.family)) continue;
    const mine = rules.filter(({ family, table }) => family === chain.family && table === chain.table);
    const table = tables.get(`${chain.family} ${chain.table}`) ?? {
      family: chain.family,
      name: chain.table,
      hooks: [],
      openings: mergeOpenings(mine.filter((rule) => rule.chain === ourChain).map(({ expr }) => passOf(expr))),
    };
    const jumps = mine.some((rule) => rule.chain === chain.name && rule.expr.some(({ jump }) => jump?.target === ourChain));
    tables.set(`${chain.family} ${chain.table}`, { ...table, hooks: [...table.hooks, { chain: chain.name, jumps }] });
  }
  return [...tables.values()];
}

function passOf(expressions: readonly Expression[]): { sources: string[]; ports: Passage[] } {
  const matching = (field: string): Expression['match'] => expressions.find(({ match }) => match?.left.payload?.field === field)?.match;
  const right = (field: string): unknown => matching(field)?.right;
  const source = sourceOf(right('saddr'));
  const protocol = expressions.find(({ match }) => match?.left.meta?.key === 'l4proto')?.match?.right;
  const vrrp = protocol === 'vrrp' || protocol === VRRP;
  const transport = matching('dport')?.left.payload?.protocol === 'udp' ? 'udp' : 'tcp';
  const ports = portsOf(right('dport')).map((port) => passage(port, transport));
  return { sources: source === undefined ? [] : [source], ports: vrrp ? ['vrrp'] : ports };
}

function sourceOf(value: unknown): string | undefined {
  const { prefix } = (value ?? {}) as { prefix?: { addr: string; len: number } };
  if (prefix !== undefined) return canonicalNetwork(`${prefix.addr}/${prefix.len}`);
  return typeof value === 'string' ? canonicalNetwork(value) : undefined;
}

function portsOf(value: unknown): number[] {
  const { set = [value] } = (value ?? {}) as { set?: unknown[] };
  return set.filter((port) => typeof port === 'number');
}
