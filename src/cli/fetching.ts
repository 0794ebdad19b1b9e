import type { LoadOptions } from '../model/index.js';
import { SecretFetcher } from '../secrets/fetcher.js';
import { askAtTerminal } from './hidden-prompt.js';

/** One for the whole process, so that a command that loads an inventory twice runs no program and asks nobody twice. */
const fetcher = new SecretFetcher({ env: process.env, ask: askAtTerminal });

/** Whether a command needs the secrets that programs print and stores hold, or only what is said about them. */
export type Secrets = 'fetch' | 'check';

/** How a command's inventory comes by its secrets. */
export function fetching(secrets: Secrets): Pick<LoadOptions, 'secrets' | 'fetcher'> {
  return { secrets, fetcher };
}
