import type { LabHost } from '../../lab/index.js';
import { must, shellWord, sql } from './outside.js';

/** What a load has seen. */
export interface LoadReport {
  /** Rows that were written. */
  rows: number;
  /** Longest time without a row, in seconds. */
  longestGap: number;
  /** What failed, a line each. */
  failures: string[];
}

const STOP = '/run/load.stop';
const FAILURES = '/run/load.failures';

/** Writes a row a few times a second in the database on one host, and a key of etcd through another, until it is stopped. */
export class Load {
  readonly #leader: LabHost;
  readonly #other: LabHost;
  readonly #loops: Promise<unknown>[];

  private constructor(leader: LabHost, other: LabHost, loops: Promise<unknown>[]) {
    this.#leader = leader;
    this.#other = other;
    this.#loops = loops;
  }

  /** Begins; `put` is a command for the other host that writes a key. */
  static async start(leader: LabHost, other: LabHost, put: string): Promise<Load> {
    await sql(leader, 'create table if not exists load (at timestamptz not null default clock_timestamp()); truncate load');
    const loop = (host: LabHost, command: string): Promise<unknown> =>
      host.exec(
        `rm -f ${STOP} ${FAILURES}; while [ ! -e ${STOP} ]; do ${command} >/dev/null 2>/run/load.said || { date -u +%T.%N; cat /run/load.said; } >>${FAILURES}; sleep 0.15; done`,
      );
    const insert = `runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -c ${shellWord('insert into load default values')}`;
    return new Load(leader, other, [loop(leader, insert), loop(other, put)]);
  }

  /** Ends, and tells what was seen. */
  async stop(): Promise<LoadReport> {
    await Promise.all([this.#leader, this.#other].map((host) => must(host, `touch ${STOP}`)));
    await Promise.all(this.#loops);
    const [rows = '', gap = ''] = (
      await sql(
        this.#leader,
        'select count(*), extract(epoch from max(gap)) from (select at - lag(at) over (order by at) as gap from load) as gaps',
      )
    ).split('|');
    const said = await Promise.all([this.#leader, this.#other].map((host) => must(host, `cat ${FAILURES} 2>/dev/null || :`)));
    return {
      rows: Number(rows),
      longestGap: Number(gap),
      failures: said.flatMap((text) => text.split('\n').filter((line) => line !== '')),
    };
  }
}
