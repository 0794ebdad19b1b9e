import { createRequire } from 'node:module';
import { assertDone } from '../bench.js';
import { timed } from '../lib/child.js';
import { programFile } from '../lib/program.js';
import type { Sample } from '../lib/sample.js';
import type { Endpoint } from './contender.js';

/** As many handshakes at once as pgprov has. */
const CAP = 50;

/** The version of the ssh2 package, which pgprov uses too. */
export async function ssh2Version(): Promise<string> {
  const { version } = createRequire(import.meta.url)('ssh2/package.json') as { version: string };
  return `ssh2 ${version}, Node.js ${process.version}`;
}

/** What is run on every host, and what it reads. */
export interface PlainWork {
  command?: string;
  input?: string;
}

/** One process that connects to every host at once, runs a command there if there is one, and ends. */
export async function plainConnections(
  hosts: readonly Endpoint[],
  { user, identityFile }: { user: string; identityFile: string },
  work: PlainWork = {},
): Promise<Sample> {
  return assertDone(await timed([process.execPath, programFile('ssh'), JSON.stringify({ hosts, user, identityFile, cap: CAP, ...work })]));
}
