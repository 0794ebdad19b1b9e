import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Visits, type Visited } from '../../engine/visits.js';
import { InputError } from '../../lib/errors.js';
import type { Secret } from '../../lib/secret.js';
import { systemReason } from '../../lib/system-reason.js';
import { localServer } from '../../plan/local-server.js';
import { asDatabaseUser, socketOptions } from '../../resources/psql.js';
import { sh } from '../../shell/quote.js';
import { catalogOf } from '../catalog.js';
import { loadFor } from '../inventory.js';
import type { CommonOptions } from '../options.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { withPrivateDirectory } from '../private-directory.js';
import { runProgram } from '../run-program.js';
import { hasBothEnds, runSsh } from '../ssh/session.js';
import type { AskOptions } from '../ssh-passwords.js';
import { remoteArguments } from './arguments.js';
import { findServer } from './find-server.js';

/** Options of `pgprov psql`. */
export interface PsqlOptions extends CommonOptions, AskOptions {
  /** The host whose server is meant; default: the leader. */
  host?: string;
  /** A standby is meant. */
  replica?: boolean;
  /** Run this machine's psql. */
  local?: boolean;
}

/** `pgprov psql`: psql on the leader, or on another server. Its exit code is that of psql. */
export async function psql(file: string, args: readonly string[], options: PsqlOptions): Promise<number> {
  const inventory = await loadFor(file, options);
  const given = options.local === true ? { args } : remoteArguments(args);
  // Before anything is asked of hosts.
  const input = given.file === undefined ? undefined : open(given.file);
  const transport = await THIS_PROCESS.transportTo(inventory.hosts);
  const store = await THIS_PROCESS.openStore(inventory, { writable: false });
  const visits = await Visits.prepare({ inventory, catalog: catalogOf(inventory), store, transport });
  const wanted =
    options.host === undefined ? { role: options.replica === true ? ('replica' as const) : ('leader' as const) } : { host: options.host };
  const server = await findServer(inventory, visits, wanted);
  await server.session.close();
  return options.local === true ? runHere(server, given.args) : runThere(server, given.args, input);
}

function open(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (cause) {
    throw new InputError({
      kind: 'psql/file',
      message: `cannot read ${file}: ${systemReason(cause)}`,
      hint: 'name a file of this machine',
      cause,
    });
  }
}

/** On the host, as the user that owns the server, who needs no password there. */
async function runThere(
  { session: { host }, context: { platform } }: Visited,
  args: readonly string[],
  input: number | undefined,
): Promise<number> {
  const { become } = host.ssh;
  const terminal = input === undefined && hasBothEnds();
  if (become.method === 'sudo' && become.password !== undefined && !terminal) {
    throw new InputError({
      kind: 'psql/sudo-password',
      message: `sudo on ${host.name} needs a password, which it can only be given at a terminal here`,
      hint: 'use --local, or let sudo do without the password',
    });
  }
  const server = localServer(host, platform);
  const words = [`${server.binDirectory}/psql`, ...socketOptions(server), ...args];
  // The login user's home is mostly closed to the database's user, and psql wants to know where it is.
  const command = sh`cd / && exec ${asDatabaseUser(server, sh`LANG=C.UTF-8 PGDATABASE=postgres ${words}`)}`.text;
  // Where nobody can be asked, sudo says at once that it needs a password.
  const shells = {
    sudo: sh`sudo ${terminal ? [] : ['-n']} -- sh -c ${command}`,
    doas: sh`doas ${terminal ? [] : ['-n']} sh -c ${command}`,
    none: sh`sh -c ${command}`,
  };
  return runSsh(host, {
    command: shells[become.method].text,
    terminal,
    ...(input === undefined ? {} : { stdio: [input, 'inherit', 'inherit'] }),
  });
}

const HINT =
  'install PostgreSQL’s client: `apt-get install postgresql-client`, or `dnf install postgresql`; without --local psql runs on the host';

/** Here, over the network, as the superuser with the password from the store, which only a file that is private and soon gone has. */
async function runHere({ session: { host }, context: { credentials } }: Visited, args: readonly string[]): Promise<number> {
  const {
    port,
    superuser,
    superuser_password: given,
  } = host.vars['postgresql'] as { port: number; superuser: string; superuser_password?: Secret };
  const { address } = host.ssh;
  const password = credentials.password('postgresql.superuser_password', given).reveal();
  return withPrivateDirectory('pgprov-psql-', (directory, signal) => {
    const passfile = join(directory, 'pgpass');
    const fields = [address, String(port), '*', superuser, password].map((field, index) =>
      index === 2 ? field : field.replace(/[\\:]/gu, '\\$&'),
    );
    writeFileSync(passfile, `${fields.join(':')}\n`, { mode: 0o600 });
    // Variables of libpq that are meant for other servers; PGPASSWORD would win over the file.
    const own = new Set(['PGPASSWORD', 'PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGUSER', 'PGSERVICE']);
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.has(name)));
    return runProgram({
      program: 'psql',
      args: ['-h', address, '-p', String(port), '-U', superuser, ...args],
      env: { ...env, PGPASSFILE: passfile, PGDATABASE: 'postgres' },
      signal,
      hint: HINT,
    });
  });
}
