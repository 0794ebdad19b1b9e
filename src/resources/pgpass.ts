import { createHash } from 'node:crypto';
import type { Secret } from '../lib/secret.js';
import { editedFile } from './files/edited-file.js';
import type { PathState } from './files/path.js';
import type { Resource } from './resource.js';

/** One line of a .pgpass file; `*` matches everything. */
export interface PgpassEntry {
  host: string;
  port: number | '*';
  database: string;
  user: string;
  password: Secret;
}

/** A field as it stands in a .pgpass file. */
export function escapeField(field: string): string {
  return field.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}

function entryKey(entry: Omit<PgpassEntry, 'password'>): string {
  return [entry.host, String(entry.port), entry.database, entry.user].map(escapeField).join(':');
}

/** The four fields that say what a line is for; undefined for a comment or an unreadable line. */
function lineKey(line: string): string | undefined {
  const fields = /^((?:\\.|[^:\\])*:(?:\\.|[^:\\])*:(?:\\.|[^:\\])*:(?:\\.|[^:\\])*):/u.exec(line);
  return line.startsWith('#') ? undefined : fields?.[1];
}

/**
 * Our lines first, because libpq takes the first that matches; lines of other people are kept, but for those
 * that say the same as ours with another password. A file in which libpq finds ours is as it should be: another instance on the host has its lines there too.
 * @param former what lines of ours were for, and must be for no more
 */
export function mergePgpass(
  current: string,
  entries: readonly PgpassEntry[],
  former: readonly Omit<PgpassEntry, 'password'>[] = [],
): string {
  const keys = new Set(entries.map(entryKey));
  const gone = new Set(former.map(entryKey).filter((key) => !keys.has(key)));
  const ours = entries.map((entry) => `${entryKey(entry)}:${escapeField(entry.password.reveal())}`);
  const kept = current
    .split('\n')
    .filter((line) => !gone.has(lineKey(line) ?? ''))
    .join('\n');
  if (entries.length > 0 && entries.every((entry, index) => isFound(kept, entry, ours[index] ?? ''))) return kept;
  const others = kept.split('\n').filter((line) => line !== '' && !keys.has(lineKey(line) ?? ''));
  return [...ours, ...others, ''].join('\n');
}

/** Whether the line is there, on a line of its own, and is the first that libpq takes for what it is about. */
function isFound(current: string, entry: PgpassEntry, wanted: string): boolean {
  const lines = current.endsWith('\n') ? current.split('\n') : [];
  const fields = entryKey(entry).split(FIELDS);
  const first = lines.findIndex((line) => {
    const of = lineKey(line)?.split(FIELDS);
    return of?.every((field, at) => field === '*' || field === fields[at]) === true;
  });
  return first >= 0 && lines[first] === wanted && lines.filter((line) => lineKey(line) === entryKey(entry)).length === 1;
}

/** Between two fields. */
const FIELDS = /(?<=(?<!\\)(?:\\\\)*):/u;

/** The password file of a user: 0600, its own, with these entries, and none that are `former`. */
export function pgpass(options: {
  path: string;
  owner: string;
  group: string;
  entries: readonly PgpassEntry[];
  former?: readonly Omit<PgpassEntry, 'password'>[];
}): Resource<PathState> {
  const wanted = mergePgpass('', options.entries);
  return editedFile({
    path: options.path,
    owner: options.owner,
    group: options.group,
    mode: '0600',
    sensitive: true,
    edit: (current) => mergePgpass(current, options.entries, options.former),
    digest: createHash('sha256').update(wanted).digest('hex'),
  });
}

/** Text of a .pgpass file in which the lines for these users have these passwords; other lines stay as they are. */
export function replacePasswords(current: string, accounts: readonly { user: string; password: Secret }[]): string {
  const passwords = new Map(accounts.map(({ user, password }) => [escapeField(user), escapeField(password.reveal())]));
  return current
    .split('\n')
    .map((line) => {
      const key = lineKey(line);
      const user = /(?<=:)(?:\\.|[^:\\])*$/u.exec(key ?? '')?.[0];
      const password = user === undefined ? undefined : passwords.get(user);
      return password === undefined ? line : `${key}:${password}`;
    })
    .join('\n');
}

/** The passwords of these users in a password file that another program keeps; while there is none, nothing is to be done. */
export function pgpassPasswords(path: string, accounts: readonly { user: string; password: Secret }[]): Resource<PathState> {
  const edited = editedFile({
    path,
    sensitive: true,
    edit: (current) => replacePasswords(current, accounts),
    digest: createHash('sha256')
      .update(JSON.stringify(accounts.map(({ user, password }) => [user, password.reveal()])))
      .digest('hex'),
  });
  return { ...edited, diff: (state) => (state.type === 'file' ? edited.diff(state) : []) };
}
