import { withKeyring } from './keyring.js';
import { keyAddress, secretKeyFile, type SigningKey } from './keys.js';
import { feed, run } from './process.js';

/** Signs a text the way package managers want it: `InRelease` holds both, `Release.gpg` and `repomd.xml.asc` the signature alone. */
export async function sign(name: SigningKey, text: string): Promise<{ inRelease: string; detached: string }> {
  return withKeyring(async ({ gpg }) => {
    await run`${gpg} --import ${secretKeyFile(name)}`;
    const inRelease = await feed(text, [...gpg, '--armor', '--clearsign', '--output', '-']);
    const detached = await feed(text, [...gpg, '--armor', '--detach-sign', '--output', '-']);
    for (const { code, stderr } of [inRelease, detached]) if (code !== 0) throw new Error(`gpg did not sign: ${stderr}`);
    return { inRelease: inRelease.stdout, detached: detached.stdout };
  });
}

/** Signs rpm packages; a signature that is there already gives way. */
export async function signRpms(name: SigningKey, files: string[]): Promise<void> {
  if (files.length === 0) return;
  await withKeyring(async ({ gpg, home }) => {
    await run`${gpg} --import ${secretKeyFile(name)}`;
    const macros = [`__gpg /usr/bin/gpg`, `_gpg_path ${home}`, `_gpg_name ${keyAddress(name)}`].flatMap((macro) => ['--define', macro]);
    await run`rpmsign ${macros} --addsign ${files}`;
  });
}
