import { systemReason } from '../lib/system-reason.js';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { PathResolver } from './paths.js';
import type { Problem } from './problem.js';
import { KEYWORDS, parseConfigFile, type ConfigEntry, type ConfigRemark, type ParsedConfig } from './ssh-config-file.js';

/** Where OpenSSH looks, and pgprov too when the inventory names no other files. */
export const DEFAULT_CONFIGS: readonly string[] = ['~/.ssh/config', '/etc/ssh/ssh_config'];

/** A value of the configuration and the line that gives it. */
export interface Configured<T = string> {
  value: T;
  file: string;
  line: number;
}

/** What OpenSSH's configuration says about one host; paths are absolute. */
export interface ConfiguredHost {
  hostName?: Configured;
  user?: Configured;
  port?: Configured<number>;
  /** May name files that do not exist, which OpenSSH passes over. */
  identityFiles?: Configured<string[]>;
  identitiesOnly?: Configured<boolean>;
  /** Socket of the agent; `none` is empty, `SSH_AUTH_SOCK` is left out. */
  identityAgent?: Configured;
  /** Hops as written, nearest first; empty for `none`. */
  jump?: Configured<string[]>;
  knownHosts?: Configured<string[]>;
  hostKeyPolicy?: Configured<'strict' | 'accept-new'>;
  hostKeyAlias?: Configured;
  connectTimeout?: Configured<number>;
  keepaliveInterval?: Configured<number>;
  keepaliveCount?: Configured<number>;
}

/** Problems that looking up a host may bring. */
export interface ConfigProblems {
  errors: Problem[];
  warnings: Problem[];
}

const NOTHING: ParsedConfig = { entries: [], errors: [], warnings: [] };

/** OpenSSH's client configuration; each file is read once, when a host first needs it. */
export class SshConfigs {
  /** What looking up has brought so far. */
  readonly problems: ConfigProblems = { errors: [], warnings: [] };
  readonly #paths: PathResolver;
  readonly #env: NodeJS.ProcessEnv;
  readonly #user: string;
  readonly #parsed = new Map<string, ParsedConfig>();

  /** @param user the user that runs pgprov */
  constructor(paths: PathResolver, env: NodeJS.ProcessEnv, user: string) {
    this.#paths = paths;
    this.#env = env;
    this.#user = user;
  }

  /**
   * What the files say about a host.
   *
   * @param asked the address as the inventory has it, which may be an alias
   * @param files in order of precedence; undefined for the usual ones, which need not be there
   * @param given what the inventory says, for values in which `%r`, `%p` and `%h` stand for it
   */
  lookUp(asked: string, files: readonly string[] | undefined, given: { user?: string; port?: number } = {}): ConfiguredHost {
    const entries = (files ?? DEFAULT_CONFIGS).flatMap((file) => this.#parse(file, files !== undefined).entries);
    if (entries.length === 0 || asked === '') return {};
    return new Lookup(asked, matching(asked, entries), given, this).host();
  }

  get home(): string {
    return this.#paths.resolve('~');
  }

  get env(): NodeJS.ProcessEnv {
    return this.#env;
  }

  get localUser(): string {
    return this.#user;
  }

  error(remark: ConfigRemark): void {
    this.problems.errors.push(problemOf(remark));
  }

  warn(remark: ConfigRemark): void {
    this.problems.warnings.push(problemOf(remark));
  }

  #parse(written: string, required: boolean): ParsedConfig {
    const file = this.#paths.resolve(written);
    let parsed = this.#parsed.get(file);
    if (parsed === undefined) {
      parsed = this.#read(file, required);
      this.#parsed.set(file, parsed);
      for (const error of parsed.errors) this.error(error);
      for (const warning of parsed.warnings) this.warn(warning);
    }
    return parsed;
  }

  #read(file: string, required: boolean): ParsedConfig {
    const system = dirname(file) === '/etc/ssh';
    try {
      return parseConfigFile(file, system ? '/etc/ssh' : join(this.home, '.ssh'), this.home);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      const remark = {
        file,
        keyword: 'ssh.config',
        message: code === 'ENOENT' ? 'there is no such file' : `the file cannot be read: ${systemReason(error)}`,
      };
      if (required) return { ...NOTHING, errors: [{ ...remark, hint: 'correct ssh.config in the inventory; `false` reads none' }] };
      return code === 'ENOENT' || code === 'ENOTDIR' ? NOTHING : { ...NOTHING, warnings: [remark] };
    }
  }
}

function problemOf({ keyword, line, ...rest }: ConfigRemark): Problem {
  const path = KEYWORDS.find((known) => known.toLowerCase() === keyword) ?? keyword;
  return { path, ...rest, ...(line === undefined ? {} : { line, column: 1 }) };
}

/** The entries whose conditions hold, asked in the order of the files, as `Match host` looks at the name so far. */
function matching(asked: string, entries: readonly ConfigEntry[]): ConfigEntry[] {
  const told = new Map<unknown, boolean>();
  let name = asked;
  let named = false;
  return entries.filter((entry) => {
    for (const condition of entry.conditions) {
      if (!told.has(condition)) told.set(condition, condition({ asked, name }));
      if (told.get(condition) !== true) return false;
    }
    if (entry.keyword === 'hostname' && !named) {
      named = true;
      name = (entry.values[0] ?? '').replaceAll('%h', asked);
    }
    return true;
  });
}

/** The settings of one host, from the entries that apply to it. */
class Lookup {
  readonly #asked: string;
  readonly #entries: readonly ConfigEntry[];
  readonly #given: { user?: string; port?: number };
  readonly #configs: SshConfigs;

  constructor(asked: string, entries: readonly ConfigEntry[], given: { user?: string; port?: number }, configs: SshConfigs) {
    this.#asked = asked;
    this.#entries = entries;
    this.#given = given;
    this.#configs = configs;
  }

  host(): ConfiguredHost {
    const hostName = this.#first('hostname', (text, entry) => this.#expand(text, entry, { h: this.#asked }));
    const user = this.#first('user', (text) => text);
    const port = this.#number('port', 1, 65535);
    const name = hostName?.value ?? this.#asked;
    const tokens = {
      h: name,
      n: this.#asked,
      r: this.#given.user ?? user?.value ?? this.#configs.localUser,
      p: String(this.#given.port ?? port?.value ?? 22),
      k: this.#first('hostkeyalias', (text) => text)?.value ?? name,
    };
    const found: { [Key in keyof ConfiguredHost]: ConfiguredHost[Key] | undefined } = {
      hostName,
      user,
      port,
      identityFiles: this.#identityFiles(tokens),
      identitiesOnly: this.#first('identitiesonly', (text) => yesOrNo(text)),
      identityAgent: this.#first('identityagent', (text, entry) => this.#agent(text, entry, tokens)),
      jump: this.#jump(),
      knownHosts: this.#knownHosts(tokens),
      hostKeyPolicy: this.#first('stricthostkeychecking', (text, entry) => this.#policy(text, entry)),
      hostKeyAlias: this.#first('hostkeyalias', (text) => text),
      connectTimeout: this.#number('connecttimeout', 1, 3600),
      keepaliveInterval: this.#number('serveraliveinterval', 0, 3600),
      keepaliveCount: this.#number('serveralivecountmax', 1, 1000),
    };
    return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as ConfiguredHost;
  }

  #entry(keyword: string): ConfigEntry | undefined {
    return this.#entries.find((entry) => entry.keyword === keyword);
  }

  /** The first value wins; one that `read` gives nothing for counts as not said. */
  #first<T>(keyword: string, read: (text: string, entry: ConfigEntry) => T | undefined): Configured<T> | undefined {
    const entry = this.#entry(keyword);
    const value = entry === undefined ? undefined : read(entry.values.join(' '), entry);
    return entry === undefined || value === undefined ? undefined : { value, file: entry.file, line: entry.line };
  }

  #number(keyword: string, least: number, most: number): Configured<number> | undefined {
    return this.#first(keyword, (text, entry) => {
      if (text === 'none') return undefined;
      const value = /^\d+$/u.test(text) ? Number(text) : Number.NaN;
      if (value >= least && value <= most) return value;
      this.#error(entry, `must be a number from ${least} to ${most}, not "${text}"`);
      return undefined;
    });
  }

  /** All of them count, in their order, except that `none` ends the list. */
  #identityFiles(tokens: Record<string, string>): Configured<string[]> | undefined {
    const entries = this.#entries.filter((entry) => entry.keyword === 'identityfile');
    const [first] = entries;
    if (first === undefined) return undefined;
    const files = entries.flatMap((entry) => {
      const text = entry.values.join(' ');
      const path = text.toLowerCase() === 'none' ? undefined : this.#path(text, entry, tokens);
      return path === undefined ? [] : [path];
    });
    return { value: [...new Set(files)], file: first.file, line: first.line };
  }

  #agent(text: string, entry: ConfigEntry, tokens: Record<string, string>): string | undefined {
    if (text === 'none') return '';
    if (text === 'SSH_AUTH_SOCK') return undefined;
    if (/^\$\w+$/u.test(text)) return this.#configs.env[text.slice(1)] ?? '';
    return this.#path(text, entry, tokens);
  }

  /** Of ProxyJump and ProxyCommand the one that stands first counts. */
  #jump(): Configured<string[]> | undefined {
    const entry = this.#entries.find(({ keyword }) => keyword === 'proxyjump' || keyword === 'proxycommand');
    if (entry === undefined) return undefined;
    const text = entry.values.join(' ');
    const { file, line } = entry;
    if (text.toLowerCase() === 'none') return { value: [], file, line };
    if (entry.keyword === 'proxyjump') return { value: text.split(',').map((hop) => hop.trim()), file, line };
    // Told by whoever uses it, because the inventory may have a way of its own.
    return { value: [PROXY_COMMAND], file, line };
  }

  #knownHosts(tokens: Record<string, string>): Configured<string[]> | undefined {
    const user = this.#entry('userknownhostsfile');
    const global = this.#entry('globalknownhostsfile');
    const first = user ?? global;
    if (first === undefined) return undefined;
    const read = (entry: ConfigEntry): string[] =>
      entry.values.flatMap((text) => (text.toLowerCase() === 'none' ? [] : (this.#path(text, entry, tokens) ?? [])));
    const usual = (path: string): string[] => [path.replace(/^~/u, () => this.#configs.home)];
    const files = [
      ...(user === undefined ? usual('~/.ssh/known_hosts') : read(user)),
      ...(global === undefined ? usual('/etc/ssh/ssh_known_hosts') : read(global)),
    ];
    return { value: files, file: first.file, line: first.line };
  }

  #policy(text: string, entry: ConfigEntry): 'strict' | 'accept-new' | undefined {
    const word = text.toLowerCase();
    if (word === 'yes' || word === 'true') return 'strict';
    if (word === 'accept-new') return 'accept-new';
    if (word === 'ask') return undefined;
    if (word === 'no' || word === 'off' || word === 'false') {
      const { file, line } = entry;
      const message = `\`${text}\` is taken for \`accept-new\`: the key of an unknown host is recorded, a changed one is refused`;
      this.#configs.warn({ file, line, keyword: 'StrictHostKeyChecking', message });
      return 'accept-new';
    }
    this.#error(entry, `must be yes, accept-new, ask or no, not "${text}"`);
    return undefined;
  }

  /** An absolute path; relative ones start in the working directory, as with OpenSSH. */
  #path(text: string, entry: ConfigEntry, tokens: Record<string, string>): string | undefined {
    const home = text.replace(/^~(?=\/|$)/u, () => this.#configs.home);
    if (home.startsWith('~')) {
      this.#error(entry, `the home directory of another user is not known: ${text}`);
      return undefined;
    }
    const path = this.#expand(home, entry, tokens);
    return path === undefined || path.startsWith('/') ? path : join(process.cwd(), path);
  }

  #expand(text: string, entry: ConfigEntry, tokens: Record<string, string>): string | undefined {
    const local = hostname();
    const known: Record<string, string> = {
      ...tokens,
      '%': '%',
      d: this.#configs.home,
      u: this.#configs.localUser,
      i: String(process.getuid?.() ?? ''),
      l: local,
      L: local.split('.')[0] ?? local,
    };
    let failed: string | undefined;
    const expanded = text.replace(/%(.?)|\$\{([A-Za-z_]\w*)\}/gu, (whole, token: string | undefined, variable: string | undefined) => {
      const value = variable === undefined ? known[token ?? ''] : this.#configs.env[variable];
      if (value === undefined) failed = whole;
      return value ?? '';
    });
    if (failed === undefined) return expanded;
    this.#error(
      entry,
      failed.startsWith('%') ? `pgprov does not know what ${failed} stands for` : `the environment variable in ${failed} is not set`,
    );
    return undefined;
  }

  #error(entry: ConfigEntry, message: string): void {
    const { file, line, keyword } = entry;
    this.#configs.error({ file, line, keyword, message });
  }
}

/** Stands for a ProxyCommand among the hops; no hop can be written like this. */
export const PROXY_COMMAND = '|';

function yesOrNo(text: string): boolean {
  return /^(?:yes|true)$/iu.test(text);
}
