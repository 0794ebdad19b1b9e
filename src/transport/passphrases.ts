import type { Ask } from '../lib/prompt.js';
import type { UnreachableError } from '../lib/errors.js';
import { Secret } from '../lib/secret.js';
import { ListedAgent, listAgent } from './agent.js';
import { openKey, readKeyFile } from './key-file.js';
import { expandHome } from './known-hosts.js';
import { type KeySources, prepareLogin, USUAL_KEYS } from './login.js';
import type { SshEndpoint, Target } from './transport.js';

/** As often as ssh asks. */
const TRIES = 3;

/**
 * Asks for the passphrase of each key that the targets and their jump hosts need and that neither the agent nor the
 * inventory opens, once a key, before anything is connected. Gives the sources with what was learnt; a key that stays
 * locked is left for the login to complain about.
 */
export async function askForPassphrases(targets: readonly Target[], sources: KeySources, ask: Ask): Promise<KeySources> {
  const passphrases = new Map(sources.passphrases);
  const unlocked = { ...sources, passphrases };
  const seen = new Set<string>();
  for (const endpoint of targets.flatMap((target) => [...target.jump, target])) {
    for (const file of await neededBy(endpoint, unlocked)) {
      const path = expandHome(file, sources.home);
      const identity = `${endpoint.agent ?? ''}\0${path}`;
      if (seen.has(identity) || passphrases.has(path)) continue;
      seen.add(identity);
      const text = await lockedText(endpoint, path, sources);
      const passphrase = text === undefined ? undefined : await askFor(file, text, unlocked, ask);
      if (passphrase !== undefined) passphrases.set(path, passphrase);
    }
  }
  return unlocked;
}

/** The key files that a login cannot do without; the usual ones only where there is nothing else to try. */
async function neededBy(endpoint: SshEndpoint, sources: KeySources): Promise<readonly string[]> {
  if (endpoint.keyPassphrase !== undefined) return [];
  if (endpoint.identityFile !== undefined) return [endpoint.identityFile];
  if (endpoint.password !== undefined) return [];
  if (endpoint.identities !== undefined && endpoint.identities.files.length > 0) return endpoint.identities.files;
  const login = await prepareLogin(endpoint, endpoint.address, sources).catch((error: UnreachableError) => error);
  return 'isEmpty' in login && login.isEmpty ? USUAL_KEYS : [];
}

/** The text of an encrypted key that the agent does not hold. */
async function lockedText(endpoint: SshEndpoint, path: string, sources: KeySources): Promise<string | undefined> {
  const found = await readKeyFile(path);
  if (found.is !== 'encrypted') return undefined;
  const agent = await listAgent(endpoint.agent ?? sources.agentSocket).catch(() => undefined);
  const isHeld = found.half !== undefined && agent instanceof ListedAgent && agent.only(found.half) !== undefined;
  return isHeld ? undefined : found.text;
}

async function askFor(file: string, text: string, owner: object, ask: Ask): Promise<Secret | undefined> {
  for (let count = 0; count < TRIES; count += 1) {
    const again = count === 0 ? '' : 'That does not open it. ';
    const answer = await ask(`${again}Passphrase of ${file}: `);
    if (answer === undefined || answer === '') return undefined;
    if (openKey(owner, text, answer) !== undefined) return new Secret(answer);
  }
  return undefined;
}
