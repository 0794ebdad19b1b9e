import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

const DEBIAN = '/usr/lib/postgresql';

/** Directory of a PostgreSQL of this machine, the newest; undefined where there is none. */
export function postgresBinaries(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort().reverse() : [];
  return [...versions.map((version) => join(DEBIAN, version, 'bin')), '/usr/local/bin'].find((directory) =>
    ['initdb', 'postgres'].every((program) => existsSync(join(directory, program))),
  );
}

/** A command that PostgreSQL's programs accept: they refuse to run as root. */
export function asPostgres(...command: readonly string[]): { program: string; words: string[] } {
  const all = userInfo().uid === 0 ? ['runuser', '-u', 'postgres', '--', ...command] : [...command];
  const [program = '', ...words] = all;
  return { program, words };
}

/** Owner and group of a cluster that `makeCluster` made. */
export const POSTGRES_USER = userInfo().uid === 0 ? 'postgres' : userInfo().username;

/** A real cluster; its directory must be in one that the postgres user may write. */
export function makeCluster(binaries: string, data: string, ...options: readonly string[]): void {
  const { program, words } = asPostgres(
    join(binaries, 'initdb'), '-D', data, '-E', 'UTF8', '--locale=C.UTF-8', '-A', 'trust', '--no-sync', ...options,
  );
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
}
