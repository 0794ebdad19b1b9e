import { createRequire } from 'node:module';

/** The version of the ssh2 package, which pgprov uses too. */
export async function ssh2Version(): Promise<string> {
  const { version } = createRequire(import.meta.url)('ssh2/package.json') as { version: string };
  return `ssh2 ${version}, Node.js ${process.version}`;
}
