import { systemReason } from '../lib/system-reason.js';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import SSHConfig from 'ssh-config';

/** A place in a configuration file of OpenSSH, and what is wrong or doubtful there. */
export interface ConfigRemark {
  file: string;
  /** Counted from 1; absent for the file as a whole. */
  line?: number;
  /** The keyword it is about. */
  keyword: string;
  message: string;
  hint?: string;
}

/** What a block's settings depend on, told by what is known of the host when the block is reached. */
export type Condition = (host: { asked: string; name: string }) => boolean;

/** One setting, in the order in which OpenSSH would come across it. */
export interface ConfigEntry {
  /** In lower case. */
  keyword: string;
  values: readonly string[];
  file: string;
  line: number;
  /** All must hold: those of the blocks that hold the `Include` lines on the way, and its own. */
  conditions: readonly Condition[];
}

/** The settings of one file and what it includes. */
export interface ParsedConfig {
  entries: readonly ConfigEntry[];
  errors: readonly ConfigRemark[];
  warnings: readonly ConfigRemark[];
}

/** Keywords that make a difference to pgprov; all others are passed over. */
export const KEYWORDS = [
  'HostName',
  'User',
  'Port',
  'IdentityFile',
  'IdentitiesOnly',
  'IdentityAgent',
  'ProxyJump',
  'ProxyCommand',
  'UserKnownHostsFile',
  'GlobalKnownHostsFile',
  'StrictHostKeyChecking',
  'HostKeyAlias',
  'ConnectTimeout',
  'ServerAliveInterval',
  'ServerAliveCountMax',
] as const;

const HONOURED: ReadonlySet<string> = new Set(KEYWORDS.map((keyword) => keyword.toLowerCase()));

/** As deep as OpenSSH goes. */
const DEEPEST = 16;

const NEVER: Condition = () => false;

/** Reads a configuration file and what it includes; `includes` is where relative `Include` paths start. */
export function parseConfigFile(file: string, includes: string, home: string): ParsedConfig {
  const parser = new Parser(includes, home);
  parser.read(file, [], undefined, 0);
  return parser;
}

/** A block of which nobody can know whether it applies, for the warning when it holds something that matters. */
interface Skipped {
  file: string;
  line: number;
  criterion: string;
}

class Parser implements ParsedConfig {
  readonly entries: ConfigEntry[] = [];
  readonly errors: ConfigRemark[] = [];
  readonly warnings: ConfigRemark[] = [];
  readonly #includes: string;
  readonly #home: string;
  readonly #warned = new Set<Skipped>();

  constructor(includes: string, home: string) {
    this.#includes = includes;
    this.#home = home;
  }

  read(file: string, outer: readonly Condition[], skippedOutside: Skipped | undefined, depth: number): void {
    let conditions = outer;
    let skipped = skippedOutside;
    const lines = readFileSync(file, 'utf8').split(/\r?\n/u);
    lines.forEach((text, index) => {
      const line = index + 1;
      const words = this.#words(text, file, line);
      if (words === undefined) return;
      const { keyword, values } = words;
      if (keyword === 'host') {
        const fits = matcher(values);
        conditions = [...outer, ({ asked }) => fits(asked)];
        skipped = skippedOutside;
      } else if (keyword === 'match') {
        const condition = matchCondition(values);
        conditions = [...outer, condition ?? NEVER];
        skipped = skippedOutside ?? (condition === undefined ? { file, line, criterion: unknownCriterion(values) } : undefined);
      } else if (keyword === 'include') {
        this.#include(values, { file, line, conditions, skipped, depth });
      } else if (HONOURED.has(keyword)) {
        if (skipped === undefined) this.entries.push({ keyword, values, file, line, conditions });
        else this.#warnOf(skipped);
      }
    });
  }

  // One line at a time, because the library does not tell the lines' numbers.
  #words(text: string, file: string, line: number): { keyword: string; values: string[] } | undefined {
    if (/^\s*(?:#|$)/u.test(text)) return undefined;
    try {
      const [node] = SSHConfig.parse(text.trim());
      if (node?.type !== SSHConfig.DIRECTIVE) return undefined;
      const keyword = node.param.toLowerCase();
      const values = typeof node.value === 'string' ? [node.value] : node.value.map(({ val }) => val);
      if (values.join('') === '') throw new Error('no value');
      return { keyword, values };
    } catch {
      const [keyword = ''] = text.trim().split(/[\s=]/u);
      this.errors.push({ file, line, keyword, message: 'the line cannot be read: it has no value, or a quote that is not closed' });
      return undefined;
    }
  }

  #include(
    paths: readonly string[],
    from: { file: string; line: number; conditions: readonly Condition[]; skipped: Skipped | undefined; depth: number },
  ): void {
    const { file, line, conditions, skipped, depth } = from;
    const say = (message: string): void => void this.errors.push({ file, line, keyword: 'Include', message });
    if (depth >= DEEPEST) {
      say(`goes deeper than ${DEEPEST} files; does a file include itself?`);
      return;
    }
    for (const path of paths) {
      const full = path.startsWith('~/') ? join(this.#home, path.slice(2)) : path;
      for (const found of filesMatching(isAbsolute(full) ? full : resolve(this.#includes, full))) {
        try {
          this.read(found, conditions, skipped, depth + 1);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code === undefined) throw error;
          // As OpenSSH does; a directory that a pattern matches is none of its business either.
          if (code !== 'ENOENT' && code !== 'EISDIR') say(`${found} cannot be read: ${systemReason(error)}`);
        }
      }
    }
  }

  #warnOf(skipped: Skipped): void {
    if (this.#warned.has(skipped)) return;
    this.#warned.add(skipped);
    const { file, line, criterion } = skipped;
    this.warnings.push({
      file,
      line,
      keyword: 'Match',
      message: `the block \`Match ${criterion} …\` is passed over: pgprov only knows \`Match all\`, \`host\` and \`originalhost\``,
      hint: 'write it as a Host block, or put what it says into the inventory',
    });
  }
}

const KNOWN_CRITERION = /^(!?)(host|originalhost)$/u;

/** The condition of a `Match` line; undefined when it asks for something that cannot be known. */
function matchCondition(words: readonly string[]): Condition | undefined {
  const conditions: Condition[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = (words[index] ?? '').toLowerCase();
    if (word === 'all') continue;
    const [, negated, criterion] = KNOWN_CRITERION.exec(word) ?? [];
    const patterns = words[(index += 1)];
    if (criterion === undefined || patterns === undefined) return undefined;
    const fits = matcher(patterns.split(','));
    conditions.push(({ asked, name }) => fits(criterion === 'host' ? name : asked) !== (negated === '!'));
  }
  return (host) => conditions.every((condition) => condition(host));
}

/** What a `Match` line asks for and cannot be known, without its value: a command of `exec` may hold a password. */
function unknownCriterion(words: readonly string[]): string {
  let index = 0;
  const isKnown = (word: string): boolean => word === 'all' || KNOWN_CRITERION.test(word);
  while (isKnown((words[index] ?? '').toLowerCase())) index += words[index]?.toLowerCase() === 'all' ? 1 : 2;
  return /^!?[A-Za-z]+/u.exec(words[index] ?? words[0] ?? '')?.[0] ?? '';
}

/**
 * Tells of a name whether one of the patterns fits it and no `!pattern` does. The library's own takes `?` for one character
 * or none.
 */
function matcher(patterns: readonly string[]): (name: string) => boolean {
  const compile = (chosen: readonly string[]): RegExp | undefined => {
    const bodies = chosen.map((pattern) =>
      pattern
        .replace(/[.+^${}()|[\]\\]/gu, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.'),
    );
    return bodies.length === 0 ? undefined : new RegExp(`^(?:${bodies.join('|')})$`, 'u');
  };
  const negated = compile(patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1)));
  const plain = compile(patterns.filter((pattern) => !pattern.startsWith('!')));
  return (name) => plain?.test(name) === true && negated?.test(name) !== true;
}

/** The files of a pattern with `*`, `?` and `[…]`, sorted; a path without any is itself. */
function filesMatching(pattern: string): string[] {
  if (!/[*?[]/u.test(pattern)) return [pattern];
  const parent = dirname(pattern);
  const name = pattern.slice(parent.length).replace(/^\//u, '');
  return filesMatching(parent).flatMap((directory) => namesIn(directory, name).map((found) => join(directory, found)));
}

function namesIn(directory: string, pattern: string): string[] {
  if (!/[*?[]/u.test(pattern)) return [pattern];
  const expression = pattern
    .replace(/[.+^${}()|\\]/gu, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll('[!', '[^');
  try {
    const wanted = new RegExp(`^${expression}$`, 'u');
    // As a shell does, a pattern leaves hidden files out unless it starts with a dot itself.
    return readdirSync(directory)
      .filter((name) => wanted.test(name) && (pattern.startsWith('.') || !name.startsWith('.')))
      .sort();
  } catch {
    return [];
  }
}
