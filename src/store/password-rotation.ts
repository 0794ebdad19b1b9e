import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { PgprovError } from '../lib/errors.js';
import { readIfThere } from './files.js';
import { writeKept, writingStore } from './writing.js';

/** A password that is being changed: both values are kept until the new one is proved, so that a broken run can be continued. */
export interface PasswordRotation {
  /** Where the inventory may give it: `replication.password`. */
  path: string;
  from: string;
  to: string;
}

const HEAD = '# A password that is being changed; `pgprov secrets rotate` removes this file when the new one is proved everywhere.\n';

function fileOf(store: string): string {
  return join(store, 'password-rotation.yml');
}

/** The change under way in a cluster's store, if there is one. */
export async function readRotation(store: string): Promise<PasswordRotation | undefined> {
  const text = await readIfThere(fileOf(store));
  if (text === undefined) return undefined;
  const value = tryParse(text) as Partial<PasswordRotation> | null | undefined;
  const { path, from, to } = value ?? {};
  if ([path, from, to].every((part) => typeof part === 'string' && part !== '')) return { path, from, to } as PasswordRotation;
  throw new PgprovError({
    kind: 'store/unreadable',
    message: `${fileOf(store)} does not hold the change of a password that pgprov wrote`,
    hint: 'bring the file back from a backup: members may know either of the passwords in it',
  });
}

/** Writes a change down; nothing may use the new password before. */
export async function writeRotation(store: string, { path, from, to }: PasswordRotation): Promise<void> {
  await writeKept(fileOf(store), HEAD + stringify({ path, from, to }));
}

/** Forgets the old password. */
export async function endRotation(store: string): Promise<void> {
  await writingStore(fileOf(store), () => rm(fileOf(store), { force: true }));
}

function tryParse(text: string): unknown {
  try {
    // A warning would quote what stands there.
    return parse(text, { logLevel: 'error' });
  } catch {
    return undefined;
  }
}
