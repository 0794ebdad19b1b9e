import { isIPv4, isIPv6 } from 'node:net';
import { didYouMean } from '../lib/nearest.js';
import { HBA_METHODS, HBA_TYPES, SSL_OPTIONS, type HbaMethod, type HbaOption, type HbaType } from './hba-methods.js';
import { hbaWords, type HbaField, type HbaWord } from './hba-words.js';

/** A line of pg_hba.conf as PostgreSQL understands it; the names are those of pg_hba_file_rules. */
export interface HbaRule {
  type: HbaType;
  databases: readonly string[];
  users: readonly string[];
  /** A keyword, a host name or an IP address without its mask; undefined for `local`. */
  address: string | undefined;
  /** Length of the network's prefix in bits; undefined without an IP address, and where the mask has holes. */
  prefix: number | undefined;
  method: string;
  /** `name=value` */
  options: readonly string[];
}

/** What is wrong with a line. */
export interface HbaProblem {
  /** 1-based, in the line. */
  column: number;
  message: string;
  hint?: string;
}

/** What a line says: a rule, the file that it includes, nothing (a comment), or what is wrong with it. */
export type HbaLine = { rule: HbaRule } | { include: string } | { problem: HbaProblem } | 'nothing';

const INCLUDES = new Set(['include', 'include_if_exists', 'include_dir']);

/** PostgreSQL before 16 drops a longer word, and with it what the line says. */
const LONGEST_WORD = 255;

/**
 * Reads one line of pg_hba.conf for a major version of PostgreSQL, as its hba.c does. It is stricter with what
 * PostgreSQL takes and nobody means: a quote that is not closed, a name of digits and dots that is no IP address, an unknown
 * ldapscheme, and values of 0-or-1 options that are neither.
 */
export function parseHbaLine(line: string, version: number): HbaLine {
  try {
    return read(line, version);
  } catch (error) {
    if (error instanceof Wrong) return { problem: error.problem };
    throw error;
  }
}

class Wrong extends Error {
  readonly problem: HbaProblem;

  constructor(column: number, message: string, hint?: string) {
    super(message);
    this.problem = { column, message, ...(hint === undefined ? {} : { hint }) };
  }
}

function read(line: string, version: number): HbaLine {
  const { fields, openQuote } = hbaWords(line);
  if (openQuote !== undefined) throw new Wrong(openQuote, 'the double quote is not closed');
  const long = version < 16 ? fields.flat().find(({ text }) => Buffer.byteLength(text) > LONGEST_WORD) : undefined;
  if (long !== undefined)
    throw new Wrong(long.column, `the word is longer than the ${LONGEST_WORD} bytes that PostgreSQL ${version} reads`);
  if (fields.length === 0) return 'nothing';
  const fieldsLeft = new Fields(fields, line.length + 1);
  const type = fieldsLeft.single('connection type', `one of ${HBA_TYPES.join(', ')}`);
  if (INCLUDES.has(type.text) && version >= 16) {
    const file = fieldsLeft.single('file to include', 'the path of a file');
    if (fieldsLeft.next() !== undefined) throw new Wrong(type.column, `${type.text} takes one path and nothing else`);
    return { include: file.text };
  }
  if (!isType(type.text)) throw unknownType(type, version);
  const databases = fieldsLeft.list('database');
  const users = fieldsLeft.list('role');
  const where = type.text === 'local' ? { address: undefined, prefix: undefined } : readAddress(fieldsLeft);
  const method = readMethod(fieldsLeft, type.text, version);
  return { rule: { type: type.text, databases, users, ...where, ...method } };
}

function isType(text: string): text is HbaType {
  return (HBA_TYPES as readonly string[]).includes(text);
}

function unknownType({ text, column }: HbaWord, version: number): Wrong {
  if (INCLUDES.has(text)) return new Wrong(column, `PostgreSQL ${version} does not know ${text}; 16 and later do`);
  return new Wrong(column, `"${text}" is no connection type`, didYouMean(text, HBA_TYPES) ?? `known are ${HBA_TYPES.join(', ')}`);
}

/** The fields of a line, one after the other. */
class Fields {
  readonly #fields: readonly HbaField[];
  readonly #end: number;
  #at = 0;

  constructor(fields: readonly HbaField[], end: number) {
    this.#fields = fields;
    this.#end = end;
  }

  next(): HbaField | undefined {
    return this.#fields[this.#at++];
  }

  list(what: string): string[] {
    return this.#insist(what, `the name of a ${what}, all, or several with commas and no blanks between them`).map(({ text }) => text);
  }

  single(what: string, expected: string): HbaWord {
    const [word, second] = this.#insist(what, expected);
    if (second !== undefined) throw new Wrong(second.column, `there may be only one ${what}, not a list`);
    return word;
  }

  #insist(what: string, expected: string): HbaField {
    const field = this.next();
    if (field === undefined) throw new Wrong(this.#end, `the line ends before the ${what}`, `it must be ${expected}`);
    return field;
  }
}

const EVERYWHERE = new Set(['all', 'samehost', 'samenet']);

function readAddress(fields: Fields): Pick<HbaRule, 'address' | 'prefix'> {
  const word = fields.single('address', 'a network such as 10.0.0.0/24, a host name, all, samehost or samenet');
  const { text, quoted, column } = word;
  if (EVERYWHERE.has(text) && !quoted) return { address: text, prefix: undefined };
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const bits = isIPv4(host) ? 32 : isIPv6(host) ? 128 : undefined;
  if (bits === undefined) {
    if (/^[\d.]+$/u.test(host)) throw new Wrong(column, `"${host}" is no IP address`);
    if (host.includes(':')) throw new Wrong(column, `"${host}" is neither an IP address nor a host name`);
    if (slash >= 0) throw new Wrong(column, `"${text}": only an IP address has a mask, a host name has none`);
    return { address: text, prefix: undefined };
  }
  if (slash >= 0) {
    const mask = text.slice(slash + 1);
    if (!/^\d{1,3}$/u.test(mask) || Number(mask) > bits)
      throw new Wrong(column + slash + 1, `the mask of ${host} must be a number from 0 to ${bits}`);
    return { address: host, prefix: Number(mask) };
  }
  const mask = fields.single('mask', `a mask such as 255.255.255.0; or write ${host}/${bits} for this one host`);
  const maskBits = isIPv4(mask.text) ? 32 : isIPv6(mask.text) ? 128 : undefined;
  if (maskBits === undefined) {
    throw new Wrong(
      mask.column,
      `"${mask.text}" is no netmask, and an address without /BITS needs one`,
      `write ${host}/${bits} for this one host`,
    );
  }
  if (maskBits !== bits) throw new Wrong(mask.column, 'the address and its mask must both be IPv4 or both IPv6');
  return { address: host, prefix: bits === 32 ? prefixOf(mask.text) : undefined };
}

/** Bits of an IPv4 mask; undefined for one with holes. */
function prefixOf(mask: string): number | undefined {
  const bits = mask
    .split('.')
    .map((byte) => Number(byte).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/u.test(bits) ? bits.replaceAll('0', '').length : undefined;
}

function readMethod(fields: Fields, type: HbaType, version: number): Pick<HbaRule, 'method' | 'options'> {
  const known = Object.entries(HBA_METHODS).filter(([, { since = 0, until = Infinity }]) => version >= since && version < until);
  const names = known.map(([name]) => name);
  const word = fields.single('authentication method', `one of ${names.join(', ')}`);
  const method = known.find(([name]) => name === word.text)?.[1];
  if (method === undefined) throw unknownMethod(word, names, version);
  if (method.not?.includes(type) === true) {
    const with_ = HBA_TYPES.filter((candidate) => method.not?.includes(candidate) !== true);
    throw new Wrong(word.column, `${word.text} does not go with ${type}, only with ${with_.join(', ')}`);
  }
  const options: { name: string; value: string; word: HbaWord }[] = [];
  for (let field = fields.next(); field !== undefined; field = fields.next()) {
    for (const option of field) options.push(readOption(option, word.text, method, type, version));
  }
  assertTogether(
    word,
    options.map(({ name, value }) => ({ name, value })),
  );
  // Where ident is told of a connection through the socket, PostgreSQL takes peer.
  return {
    method: word.text === 'ident' && type === 'local' ? 'peer' : word.text,
    options: options.map(({ name, value }) => `${name}=${value}`),
  };
}

function unknownMethod({ text, column }: HbaWord, names: readonly string[], version: number): Wrong {
  const { since, until } = (Object.hasOwn(HBA_METHODS, text) ? HBA_METHODS[text] : undefined) ?? {};
  if (since !== undefined)
    return new Wrong(column, `PostgreSQL ${version} has no authentication method ${text}; ${since} and later have it`);
  if (until !== undefined) return new Wrong(column, `PostgreSQL ${version} no longer has the authentication method ${text}`);
  return new Wrong(column, `"${text}" is no authentication method`, didYouMean(text, names) ?? `known are ${names.join(', ')}`);
}

function readOption(
  word: HbaWord,
  methodName: string,
  method: HbaMethod,
  type: HbaType,
  version: number,
): { name: string; value: string; word: HbaWord } {
  const { text, column } = word;
  const at = text.indexOf('=');
  if (at < 0) {
    // What stands here may be a password that a blank parts from its name.
    const key = /^[a-z_]+/u.exec(text)?.[0] ?? '';
    throw new Wrong(column, `${Object.hasOwn(method.options, key) ? `"${key}"` : 'this word'} is no option, which must be name=value`);
  }
  const name = text.slice(0, at);
  const value = text.slice(at + 1);
  const ofSsl = Object.hasOwn(SSL_OPTIONS, name);
  const offered: Readonly<Record<string, HbaOption>> = ofSsl ? SSL_OPTIONS : method.options;
  const option = Object.hasOwn(offered, name) ? offered[name] : undefined;
  if (option === undefined || version < (option.since ?? 0)) {
    const names = Object.keys(method.options);
    throw new Wrong(
      column,
      `${methodName} has no option "${name}"`,
      didYouMean(name, names) ?? (names.length === 0 ? 'it has none' : `known are ${names.join(', ')}`),
    );
  }
  if (ofSsl && type !== 'hostssl') throw new Wrong(column, `${name} goes with hostssl only`);
  if (option.value?.test(value) === false)
    throw new Wrong(column + at + 1, `${name} must be ${option.expects ?? 'another value'}, not "${value}"`);
  if (name === 'clientcert' && methodName === 'cert' && value !== 'verify-full')
    throw new Wrong(column + at + 1, 'with cert, clientcert can only be verify-full');
  return { name, value, word };
}

/** What a method needs, and what it does not take together. */
function assertTogether({ text: method, column }: HbaWord, options: readonly { name: string; value: string }[]): void {
  const has = (name: string): boolean => options.some((option) => option.name === name);
  const missing = (names: readonly string[]): void => {
    const absent = names.filter((name) => !has(name));
    if (absent.length > 0) throw new Wrong(column, `${method} needs ${absent.map((name) => `${name}=…`).join(' and ')}`);
  };
  if (method === 'radius') missing(['radiusservers', 'radiussecrets']);
  if (method === 'oauth') {
    missing(['issuer', 'scope']);
    if (has('map') && options.some(({ name, value }) => name === 'delegate_ident_mapping' && value === '1')) {
      throw new Wrong(column, 'oauth takes either map or delegate_ident_mapping=1');
    }
  }
  if (method !== 'ldap') return;
  const simple = ['ldapprefix', 'ldapsuffix'].filter(has);
  const searching = ['ldapbasedn', 'ldapbinddn', 'ldapbindpasswd', 'ldapsearchattribute', 'ldapsearchfilter', 'ldapurl'].filter(has);
  if (simple.length > 0 && searching.length > 0)
    throw new Wrong(column, `ldap takes either ${simple.join(' and ')}, or ${searching.join(' and ')}`);
  if (simple.length === 0 && !has('ldapbasedn') && !has('ldapurl'))
    throw new Wrong(column, 'ldap needs ldapbasedn=…, ldapurl=…, ldapprefix=… or ldapsuffix=…');
  if (has('ldapsearchattribute') && has('ldapsearchfilter'))
    throw new Wrong(column, 'ldap takes either ldapsearchattribute or ldapsearchfilter');
}
