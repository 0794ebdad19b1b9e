import { createHmac } from 'node:crypto';
import { appendFile, mkdir, open, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

import { UnreachableError } from '../lib/errors.js';
import type { HostKeys } from './transport.js';
import { systemReason } from '../lib/system-reason.js';

// Our own reader: the `known_hosts` package on npm is abandoned and knows neither markers, nor negation, nor line
// numbers, and `ssh-keygen -F` is one 70 ms process a host and file on a machine that may have no OpenSSH at all.

/** Where host keys are looked up when a target names no files; new keys are written to the first. */
export const DEFAULT_KNOWN_HOSTS: readonly string[] = ['~/.ssh/known_hosts', '/etc/ssh/ssh_known_hosts'];

/** The files in which the keys of a host are looked up. */
export function knownHostsFiles({ files }: Pick<HostKeys, 'files'>): readonly string[] {
  return files.length > 0 ? files : DEFAULT_KNOWN_HOSTS;
}

/** One usable line of a known_hosts file. */
export interface KnownKey {
  file: string;
  /** counted from 1 */
  line: number;
  marker?: '@revoked' | '@cert-authority';
  /** Key type as written in the key itself, e.g. `ssh-ed25519`. */
  type: string;
  /** The public key in SSH wire format. */
  blob: Buffer;
}

interface Entry extends KnownKey {
  hosts: string;
}

/** The name a host has in known_hosts: its alias as it is; else bare on port 22, `[host]:port` elsewhere. */
export function knownName(address: string, port: number, alias?: string): string {
  if (alias !== undefined) return alias.toLowerCase();
  const host = address.toLowerCase();
  return port === 22 ? host : `[${host}]:${port}`;
}

/** A path with a leading `~/` replaced by the home directory. */
export function expandHome(path: string, home: string = homedir()): string {
  return path.startsWith('~/') ? join(home, path.slice(2)) : path;
}

/** The type a public key in SSH wire format says it has; empty when it is malformed. */
export function keyTypeOf(blob: Buffer): string {
  if (blob.length < 4) return '';
  return blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('latin1');
}

function globToRegExp(glob: string): RegExp {
  const body = glob
    .replace(/[.+^${}()|[\]\\]/gu, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${body}$`, 'u');
}

function covers(pattern: string, name: string): boolean {
  return /[*?]/u.test(pattern) ? globToRegExp(pattern).test(name) : pattern === name;
}

function hashedMatches(field: string, name: string): boolean {
  const [, , salt = '', hash = ''] = field.split('|');
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

/** Whether the host field of a known_hosts line covers `name`; a matching `!pattern` wins over every other. */
export function hostsFieldMatches(field: string, name: string): boolean {
  if (field.startsWith('|1|')) return hashedMatches(field, name);
  let matched = false;
  for (const pattern of field.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!covers(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function parseLine(text: string, file: string, line: number): Entry | undefined {
  const words = text.trim().split(/\s+/u);
  if (words[0] === '' || words[0]?.startsWith('#')) return undefined;
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  if (marker !== undefined && marker !== '@revoked' && marker !== '@cert-authority') return undefined;
  const [hosts, , base64] = words;
  if (hosts === undefined || base64 === undefined) return undefined;
  const blob = Buffer.from(base64, 'base64');
  const type = keyTypeOf(blob);
  if (type === '') return undefined;
  return { file, line, type, blob, hosts, ...(marker === undefined ? {} : { marker }) };
}

/** The text that each file had last and what it says, since the hosts of a run are looked up in the same files. */
const readLast = new Map<string, { text: string; entries: readonly Entry[] }>();

function parse(text: string, file: string): readonly Entry[] {
  const last = readLast.get(file);
  if (last?.text === text) return last.entries;
  const entries = text.split('\n').flatMap((line, index) => parseLine(line, file, index + 1) ?? []);
  readLast.set(file, { text, entries });
  return entries;
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new UnreachableError({
      kind: 'ssh/known-hosts-unreadable',
      message: `cannot read the host keys in ${file}: ${systemReason(cause)}`,
      hint: 'make the file readable, or name another one',
      cause,
    });
  }
}

/** The host keys of several known_hosts files; lines that cannot be understood are passed over, as ssh does. */
export class KnownHosts {
  readonly #entries: readonly Entry[];

  private constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  /**
   * Reads the files in order; one that does not exist counts as empty.
   * @throws UnreachableError `ssh/known-hosts-unreadable`
   */
  static async load(files: readonly string[]): Promise<KnownHosts> {
    const entries: Entry[] = [];
    for (const file of files) entries.push(...parse(await readIfThere(expandHome(file)), file));
    return new KnownHosts(entries);
  }

  /** Every line that covers the name (see `knownName`), markers included. */
  find(name: string): KnownKey[] {
    return this.#entries.filter((entry) => hostsFieldMatches(entry.hosts, name));
  }
}

async function endsInsideALine(file: string): Promise<boolean> {
  const handle = await open(file, 'a+', 0o600);
  try {
    const { size } = await handle.stat();
    if (size === 0) return false;
    const last = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return last.buffer[0] !== 0x0a;
  } finally {
    await handle.close();
  }
}

/** Adds a line for a host, creating the file (0600) and its directory (0700) where they are missing. */
export async function appendHostKey(file: string, name: string, blob: Buffer): Promise<void> {
  const path = expandHome(file);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const before = (await endsInsideALine(path)) ? '\n' : '';
  // One small write in append mode, so that another run writing at the same time cannot tear the line.
  await appendFile(path, `${before}${name} ${keyTypeOf(blob)} ${blob.toString('base64')}\n`, { mode: 0o600 });
}
