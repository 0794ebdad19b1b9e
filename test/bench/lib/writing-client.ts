import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { track } from './child-processes.js';
import { assertUninterrupted } from './interrupt.js';

/** How a client reaches a cluster over the network, whoever leads. */
export interface ClientAccess {
  addresses: readonly string[];
  user: string;
  password: string;
}

/** Milliseconds between a commit and the next one, and between an attempt to connect and the next one. */
const PAUSE = 10;

/** Milliseconds that a commit may be awaited. */
const PATIENCE = 120_000;

/** Answers with the server that committed, by its address and start: after a restart it is another one. */
const STATEMENT = 'INSERT INTO written DEFAULT VALUES RETURNING inet_server_addr(), pg_postmaster_start_time();\n';

/**
 * A client that commits about fifty times a second for as long as it can: psql with all hosts in its connection string, which takes the one
 * that is writable, and connects anew at once when it loses it.
 */
export class WritingClient {
  readonly #access: ClientAccess;
  readonly #commits = new EventEmitter();
  #session: ChildProcess | undefined;
  #stopped = false;
  #last: { at: number; server: string } | undefined;
  #longest: number | undefined;

  private constructor(access: ClientAccess) {
    this.#access = access;
  }

  /** Makes the table on whoever leads, and begins to write. */
  static async start(access: ClientAccess): Promise<WritingClient> {
    const client = new WritingClient(access);
    client.#connect('CREATE TABLE IF NOT EXISTS written (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);\n');
    await client.#commit();
    return client;
  }

  /**
   * The longest time in seconds between two commits of different servers, from the last commit before the work to the first one after it. Other
   * pauses do not count: a busy machine has some of its own, and more of them the longer the work takes.
   * @throws Error when the work does, no commit succeeds for two minutes, or all were of one server
   */
  async gapDuring<T>(work: () => Promise<T>): Promise<{ gap: number; result: T }> {
    await this.#commit();
    this.#longest = undefined;
    const result = await work();
    await this.#commit();
    if (this.#longest === undefined) throw new Error('the client wrote to one server all the while');
    return { gap: this.#longest / 1000, result };
  }

  /** Ends the writing. */
  stop(): void {
    this.#stopped = true;
    this.#session?.kill();
  }

  async #commit(): Promise<void> {
    assertUninterrupted();
    await once(this.#commits, 'commit', { signal: AbortSignal.timeout(PATIENCE) }).catch((error: unknown) => {
      throw new Error('no write has succeeded for two minutes', { cause: error });
    });
  }

  #connect(first = ''): void {
    const { addresses, user, password } = this.#access;
    const connection = `host=${addresses.join(',')} user=${user} dbname=postgres connect_timeout=2 target_session_attrs=read-write`;
    const session = track(
      spawn('psql', [connection, '-XAtqw', '-v', 'ON_ERROR_STOP=1'], {
        env: { PATH: process.env['PATH'], PGPASSWORD: password },
        stdio: ['pipe', 'pipe', 'ignore'],
        detached: true,
      }),
    );
    this.#session = session;
    const { stdin, stdout } = session;
    if (stdin === null || stdout === null) throw new Error('psql was started without pipes');
    // A session that was lost may end before it has read all.
    stdin.on('error', () => undefined);
    createInterface({ input: stdout }).on('line', (server) => {
      this.#committed(server);
      setTimeout(() => stdin.write(STATEMENT), PAUSE);
    });
    session.on('exit', () => {
      if (!this.#stopped) setTimeout(() => this.#connect(), PAUSE);
    });
    stdin.write(first + STATEMENT);
  }

  #committed(server: string): void {
    const at = performance.now();
    const last = this.#last;
    if (last !== undefined && last.server !== server) this.#longest = Math.max(this.#longest ?? 0, at - last.at);
    this.#last = { at, server };
    this.#commits.emit('commit');
  }
}
