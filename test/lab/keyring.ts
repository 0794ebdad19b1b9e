import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { run } from './process.js';

/** A gpg with a home of its own. */
export interface Keyring {
  /** The command's beginning. */
  gpg: string[];
  /** Its home directory. */
  home: string;
}

/** Gives some work a fresh keyring. gpg's agent wants a socket in its folder, and the path of a checkout can be too long for one. */
export async function withKeyring<T>(work: (keyring: Keyring) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), 'lab-gpg-'));
  await chmod(home, 0o700);
  try {
    return await work({ gpg: ['gpg', '--homedir', home, '--batch', '--quiet', '--yes', '--pinentry-mode', 'loopback'], home });
  } finally {
    await run`gpgconf --homedir ${home} --kill all`.nothrow();
    await rm(home, { recursive: true, force: true });
  }
}
