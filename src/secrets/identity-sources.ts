import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where identities of age may be had: a file, or the text itself, as pipelines have it in a variable. */
export type IdentitySource = { shown: string; path: string; mayBeMissing: boolean } | { shown: string; text: string };

/** Variables that hold identities or name a file of them; those of sops last, for who has them set already. */
const VARIABLES = [
  { text: 'PGPROV_AGE_KEY', file: 'PGPROV_AGE_KEY_FILE' },
  { text: 'SOPS_AGE_KEY', file: 'SOPS_AGE_KEY_FILE' },
] as const;

/** Where `pgprov secrets init` keeps the identity that it makes. */
export function ownIdentityFile(env: NodeJS.ProcessEnv): string {
  return join(configDirectory(env), 'pgprov', 'age', 'keys.txt');
}

/**
 * Where identities are looked for: in the files that the command line names; else in what a variable gives; else in the
 * usual files, as far as they are there.
 */
export function identitySources(files: readonly string[], env: NodeJS.ProcessEnv): IdentitySource[] {
  if (files.length > 0) return files.map((file) => named(file));
  for (const variable of VARIABLES) {
    const [text = '', file = ''] = [env[variable.text], env[variable.file]];
    const given = [...(text === '' ? [] : [{ shown: variable.text, text }]), ...(file === '' ? [] : [named(file)])];
    if (given.length > 0) return given;
  }
  return usualFiles(env).map((path) => ({ shown: path, path, mayBeMissing: true }));
}

/** The files that are tried where nothing names one: pgprov's own, those of sops and of age. */
export function usualFiles(env: NodeJS.ProcessEnv): string[] {
  const config = configDirectory(env);
  return [ownIdentityFile(env), join(config, 'sops', 'age', 'keys.txt'), join(config, 'age', 'keys.txt')];
}

function named(file: string): IdentitySource {
  return { shown: file, path: resolve(file), mayBeMissing: false };
}

function configDirectory(env: NodeJS.ProcessEnv): string {
  return env['XDG_CONFIG_HOME'] || join(env['HOME'] ?? homedir(), '.config');
}
