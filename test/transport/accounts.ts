import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { $ } from 'zx';

const quiet = $({ quiet: true });

/** A login user that exists for one sshd alone. */
export interface Account {
  name: string;
  /** Path of the login shell. */
  shell: string;
  password: string;
}

const FIRST_UID = 61_000;
const NOGROUP = 65_534;

const FILES = ['passwd', 'shadow', 'sudoers'] as const;

/**
 * Prepares accounts and a sudoers of their own for one sshd, which sees them in a mount namespace, so that this
 * machine's stay as they are.
 *
 * @param dir a folder for the files, which has to stay while the sshd runs
 * @returns what to put before sshd's command, as `Sshd.start` takes it
 */
export async function withAccounts(dir: string, accounts: readonly Account[], sudoers: readonly string[]): Promise<string[]> {
  const homes = accounts.map(({ name }) => join(dir, `home-${name}`));
  // Some shells complain on stderr when they cannot write there.
  for (const [index, home] of homes.entries()) {
    await mkdir(home);
    await chown(home, FIRST_UID + index, NOGROUP);
  }
  const [passwd, shadow] = await Promise.all([readFile('/etc/passwd', 'utf8'), readFile('/etc/shadow', 'utf8')]);
  const hashes = await Promise.all(
    accounts.map(async ({ password }) => (await quiet({ input: password })`openssl passwd -6 -stdin`).stdout.trim()),
  );
  const texts: Record<(typeof FILES)[number], string> = {
    passwd:
      passwd + accounts.map(({ name, shell }, index) => `${name}:x:${FIRST_UID + index}:${NOGROUP}::${homes[index]}:${shell}\n`).join(''),
    shadow: shadow + accounts.map(({ name }, index) => `${name}:${hashes[index]}:19000:0:99999:7:::\n`).join(''),
    sudoers: sudoers.map((line) => `${line}\n`).join(''),
  };
  for (const file of FILES) {
    await writeFile(join(dir, file), texts[file]);
    await chmod(join(dir, file), file === 'passwd' ? 0o644 : 0o440);
  }
  const mounts = FILES.map((file) => `mount --bind ${join(dir, file)} /etc/${file}`).join(' && ');
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${mounts} && exec "$@"`, 'sh'];
}

/** Why there can be no such accounts here; undefined when there can. */
export async function whyNoAccounts(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'not root, and only root can make accounts';
  const tried = await quiet({ nothrow: true })`unshare --mount --propagation private sh -c ${'mount --bind /etc/hostname /etc/passwd'}`;
  return tried.exitCode === 0 ? undefined : `no mount namespaces here: ${tried.stderr.trim()}`;
}
