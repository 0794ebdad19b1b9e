import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
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
    join(binaries, 'initdb'),
    '-D',
    data,
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '-A',
    'trust',
    '--no-sync',
    ...options,
  );
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
}

/** A server of this machine that runs for a test, reached through its socket alone. */
export interface RunningServer {
  data: string;
  /** Directory of its socket. */
  socket: string;
  /** Rows of a query, unaligned, without headings. */
  query(sql: string): string[];
  stop(): void;
}

/**
 * Starts a server with these settings.
 * @param make makes its data directory; default: a new cluster
 */
export function startServer(
  binaries: string,
  settings: Readonly<Record<string, string>> = {},
  make: (data: string) => void = (data) => makeCluster(binaries, data),
): RunningServer {
  const top = mkdtempSync(join(tmpdir(), 'pgprov-server-'));
  execFileSync('chown', [POSTGRES_USER, top]);
  chmodSync(top, 0o755);
  const data = join(top, 'data');
  make(data);
  const all = { listen_addresses: '', unix_socket_directories: top, fsync: 'off', ...settings };
  const run = (program: string, ...words: string[]): string => {
    const command = asPostgres(join(binaries, program), ...words);
    return execFileSync(command.program, command.words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
  };
  const options = Object.entries(all)
    .map(([name, value]) => `-c ${name}='${value}'`)
    .join(' ');
  const { program, words } = asPostgres(join(binaries, 'pg_ctl'), '-D', data, '-w', '-l', join(top, 'log'), '-o', options, 'start');
  execFileSync(program, words, { stdio: 'ignore', cwd: '/' });
  return {
    data,
    socket: top,
    query: (sql) =>
      run('psql', '-XAtqw', '-v', 'ON_ERROR_STOP=1', '-h', top, '-d', 'postgres', '-c', sql)
        .split('\n')
        .filter((line) => line !== ''),
    stop: () => {
      run('pg_ctl', '-D', data, '-w', '-m', 'immediate', 'stop');
      rmSync(top, { recursive: true, force: true });
    },
  };
}
