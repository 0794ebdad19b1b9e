import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { patience } from '../support/patience.js';

/** How a client reaches the cluster: over the network, whoever leads. */
export interface ClientAccess {
  addresses: readonly string[];
  /** Default: PostgreSQL's own. */
  port?: number;
  user: string;
  password: string;
  /** Default: postgres. */
  database?: string;
  /** Addresses of another cluster, where it goes when the first one takes no write. */
  or?: readonly string[];
}

/** A row that PostgreSQL acknowledged. */
export interface Acknowledged {
  id: number;
  /** When the answer was here, in milliseconds. */
  at: number;
}

/**
 * A client that writes all the while: it inserts one row after the other on whoever leads, and remembers which of them were
 * acknowledged. One that was not may be there or not; its number is not used again.
 */
export class Writer {
  readonly acknowledged: Acknowledged[] = [];
  /** Longest time between two acknowledged rows, in milliseconds. */
  longestGap = 0;
  readonly #access: ClientAccess;
  #next = 1;
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();

  private constructor(access: ClientAccess) {
    this.#access = access;
  }

  /** Makes the table and begins to write. */
  static async start(access: ClientAccess): Promise<Writer> {
    const writer = new Writer(access);
    await writer.#answer('CREATE TABLE IF NOT EXISTS walk (id bigint PRIMARY KEY)');
    writer.#loop = writer.#write();
    return writer;
  }

  /** Ids that are acknowledged and not there; rows that were acknowledged between `from` and `to` (milliseconds) are left out. */
  async lost(doubts: readonly { from: number; to: number }[]): Promise<number[]> {
    const certain = this.acknowledged.filter(({ at }) => doubts.every(({ from, to }) => at < from || at > to));
    const there = new Set((await this.#answer('SELECT id FROM walk')).split('\n').map(Number));
    return certain.filter(({ id }) => !there.has(id)).map(({ id }) => id);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }

  /** SQL on whoever leads; in the other cluster where that fails. */
  async ask(statement: string): Promise<string> {
    const { addresses, or = [] } = this.#access;
    const asked = this.#askThere(addresses, statement);
    return or.length === 0 ? asked : asked.catch(() => this.#askThere(or, statement));
  }

  async #askThere(addresses: readonly string[], statement: string): Promise<string> {
    const { port = 5432, user, password, database = 'postgres' } = this.#access;
    const connection = `host=${addresses.join(',')} port=${port} user=${user} dbname=${database} connect_timeout=3 target_session_attrs=read-write`;
    const { stdout } = await promisify(execFile)('psql', [connection, '-XAtqc', statement], {
      env: { PATH: process.env['PATH'], PGPASSWORD: password },
      timeout: 20_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.trim();
  }

  /** The same, asked again until there is an answer: a busy host does not take every connection in time, and that is no loss. */
  async #answer(statement: string): Promise<string> {
    const end = Date.now() + patience(60_000);
    for (;;) {
      try {
        return await this.ask(statement);
      } catch (error) {
        if (Date.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      const id = this.#next++;
      const before = this.acknowledged.at(-1)?.at ?? Date.now();
      try {
        await this.ask(`INSERT INTO walk VALUES (${id})`);
        const at = Date.now();
        this.acknowledged.push({ id, at });
        this.longestGap = Math.max(this.longestGap, at - before);
      } catch {
        // Nobody leads just now; whether the row is there is not known.
      }
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }
}
