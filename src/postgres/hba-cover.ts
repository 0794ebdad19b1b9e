import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { HbaType } from './hba-methods.js';
import { hbaWords, type HbaWord } from './hba-words.js';
import { parseHbaLine, type HbaRule } from './hba.js';

/** A rule with the words of its databases and roles, of which quotes say whether they are keywords. */
interface Matching {
  rule: HbaRule;
  databases: readonly HbaWord[];
  users: readonly HbaWord[];
}

/**
 * Finds the line among `before` that decides every connection which `line` is for, so that `line` never takes effect; undefined where there
 * is none, and where both say the same. PostgreSQL takes the first line that fits. What two lines decide only together is not found.
 */
export function coveringLine(line: string, before: readonly string[], version: number): string | undefined {
  const late = readMatching(line, version);
  if (late === undefined) return undefined;
  const covering = before.find((candidate) => {
    const early = readMatching(candidate, version);
    return early !== undefined && covers(early, late);
  });
  const decides = covering === undefined ? undefined : readMatching(covering, version);
  return decides === undefined || saysTheSame(decides.rule, late.rule) ? undefined : covering;
}

function readMatching(line: string, version: number): Matching | undefined {
  const parsed = parseHbaLine(line, version);
  if (parsed === 'nothing' || !('rule' in parsed)) return undefined;
  const [, databases = [], users = []] = hbaWords(line).fields;
  return { rule: parsed.rule, databases, users };
}

function saysTheSame(a: HbaRule, b: HbaRule): boolean {
  return a.method === b.method && a.options.join('\n') === b.options.join('\n');
}

function covers(early: Matching, late: Matching): boolean {
  return (
    COVERED_TYPES[early.rule.type].includes(late.rule.type) &&
    late.databases.every((word) => early.databases.some((other) => hasDatabase(other, word))) &&
    late.users.every((word) => early.users.some((other) => isKeyword(other, 'all') || isSame(other, word))) &&
    hasAddress(early.rule, late.rule)
  );
}

/** The types whose connections are all of a type; a connection with SSL has no GSSAPI encryption, and the other way round. */
const COVERED_TYPES: Readonly<Record<HbaType, readonly HbaType[]>> = {
  local: ['local'],
  host: ['host', 'hostssl', 'hostnossl', 'hostgssenc', 'hostnogssenc'],
  hostssl: ['hostssl'],
  hostnossl: ['hostnossl', 'hostgssenc'],
  hostgssenc: ['hostgssenc'],
  hostnogssenc: ['hostnogssenc', 'hostssl'],
};

/** Physical replication is no database, so `all` does not mean it. */
function hasDatabase(early: HbaWord, late: HbaWord): boolean {
  return isKeyword(early, 'all') ? !isKeyword(late, 'replication') : isSame(early, late);
}

function isKeyword({ text, quoted }: HbaWord, word: string): boolean {
  return text === word && !quoted;
}

/** What words that are no names mean is not looked into, so these must be alike. */
function isSame(a: HbaWord, b: HbaWord): boolean {
  const special = (word: HbaWord): boolean => !word.quoted && /^(?:[+@/].*|all|replication|same(?:user|role|group))$/u.test(word.text);
  return a.text === b.text && special(a) === special(b);
}

function hasAddress(early: HbaRule, late: HbaRule): boolean {
  if (early.address === undefined || late.address === undefined) return early.address === late.address;
  if (early.address === 'all') return true;
  if (early.prefix === undefined || late.prefix === undefined)
    return early.prefix === late.prefix && early.address.toLowerCase() === late.address.toLowerCase() && isNoNumber(early.address);
  const families = [early, late].map(({ address = '' }) => (isIPv4(address) ? 'ipv4' : 'ipv6'));
  if (families[0] !== families[1] || early.prefix > late.prefix) return false;
  const network = new BlockList();
  network.addSubnet(early.address, early.prefix, families[0]);
  return network.check(late.address, families[0]);
}

/** An address whose mask has holes is compared with no other. */
function isNoNumber(address: string): boolean {
  return !isIPv4(address) && !isIPv6(address);
}
