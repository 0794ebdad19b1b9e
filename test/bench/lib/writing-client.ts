import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { track } from './child-processes.js';
import { assertUninterrupted } from './interrupt.js';

/** How a client reaches a cluster over the network, whoever leads. */
export interface ClientAccess {
  addresses: readonly string[];
  /** Default: PostgreSQL's own. */
  port?: number;
  user: string;
  password: string;
}

/** Milliseconds between a commit and the next one, and between an attempt to connect and the next one. */
const PAUSE = 10;

/** Milliseconds that a commit may be awaited. */
const PATIENCE = 120_000;

/** What a client saw while something went on. */
export interface Seen {
  /** The longest time between two commits, in seconds. */
  pause: number;
  /** Numbers of the rows of which it was told that they are committed. */
  told: number[];
  /** Connections that it had and that ended. */
  broken: number;
}

/** Makes the table of all clients. */
const TABLE = 'CREATE TABLE IF NOT EXISTS written (client text, number bigint, PRIMARY KEY (client, number));\n';

/**
 * A client that commits about fifty times a second for as long as it can: psql with all hosts in its connection string, which takes the one
 * that is writable, and connects anew at once when it loses it.
 */
export class WritingClient {
  readonly #access: ClientAccess;
  readonly #name: string;
  readonly #commits = new EventEmitter();
  #session: ChildProcess | undefined;
  #stopped = false;
  #last: { at: number; server: string } | undefined;
  #longest: number | undefined;
  #number = 0;
  #seen: Seen = { pause: 0, told: [], broken: 0 };

  private constructor(access: ClientAccess, name: string) {
    this.#access = access;
    this.#name = name;
  }

  /**
   * Makes the table on whoever leads, and begins to write.
   * @param name of the client, which its rows have; a word
   */
  static async start(access: ClientAccess, name = 'client'): Promise<WritingClient> {
    const client = new WritingClient(access, name);
    client.#connect(TABLE);
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

  /**
   * What the client sees from the last commit before the work to the first one after it.
   * @throws Error when the work does, or no commit succeeds for two minutes
   */
  async seenDuring(work: () => Promise<unknown>): Promise<Seen> {
    await this.#commit();
    this.#seen = { pause: 0, told: [], broken: 0 };
    await work();
    await this.#commit();
    return { ...this.#seen, told: [...this.#seen.told] };
  }

  /** Waits for the next commit. @throws Error where none succeeds for two minutes */
  async writes(): Promise<void> {
    await this.#commit();
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
    const { addresses, port = 5432, user, password } = this.#access;
    const connection = `host=${addresses.join(',')} port=${port} user=${user} dbname=postgres connect_timeout=2 target_session_attrs=read-write`;
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
    let works = false;
    createInterface({ input: stdout }).on('line', (line) => {
      works = true;
      this.#committed(line);
      setTimeout(() => stdin.write(this.#statement()), PAUSE);
    });
    session.on('exit', () => {
      if (works) this.#seen.broken += 1;
      if (!this.#stopped) setTimeout(() => this.#connect(), PAUSE);
    });
    stdin.write(first + this.#statement());
  }

  /** Answers with its number, and with the server that committed, by its address and start: after a restart it is another one. */
  #statement(): string {
    this.#number += 1;
    return `INSERT INTO written VALUES ('${this.#name}', ${this.#number}) RETURNING number, inet_server_addr() || '|' || pg_postmaster_start_time();\n`;
  }

  #committed(line: string): void {
    const at = performance.now();
    const last = this.#last;
    const parting = line.indexOf('|');
    const server = line.slice(parting + 1);
    this.#seen.told.push(Number(line.slice(0, parting)));
    if (last !== undefined) this.#seen.pause = Math.max(this.#seen.pause, (at - last.at) / 1000);
    if (last !== undefined && last.server !== server) this.#longest = Math.max(this.#longest ?? 0, at - last.at);
    this.#last = { at, server };
    this.#commits.emit('commit');
  }
}
