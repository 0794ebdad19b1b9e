import { setTimeout } from 'node:timers/promises';
import { Visits, type Visited } from '../../engine/visits.js';
import { asPgprovError, ExitCode, InputError, type PgprovError } from '../../lib/errors.js';
import type { Host, Inventory } from '../../model/index.js';
import { selectNames } from '../../plan/selection.js';
import { formatDuration } from '../../report/duration.js';
import { renderError } from '../../report/error-text.js';
import { printable } from '../../report/printable.js';
import { listNames } from '../../report/words.js';
import { catalogOf } from '../catalog.js';
import { errorLook } from '../colors.js';
import { loadFor, printWarnings } from '../inventory.js';
import { selectionOf, type SelectionFlags, type CommonOptions } from '../options.js';
import { THIS_PROCESS, type Environment } from '../pipeline/environment.js';
import type { AskOptions } from '../ssh-passwords.js';
import { clockOffset, readLogs, unitsOf } from './host-log.js';
import type { LogLine } from './log-line.js';
import { NewestLines } from './newest.js';
import { Resume } from './resume.js';
import { OrderingWindow } from './window.js';
import { LineWriter } from './writer.js';

/** Options of `pgprov logs`; times are in milliseconds. */
export interface LogsOptions extends CommonOptions, SelectionFlags, AskOptions {
  since?: number;
  unit?: string[];
  follow?: boolean;
  grep?: string;
  timestamps?: boolean;
  json?: boolean;
}

const USUAL_SINCE = 600_000;

/** Lines at most, of each log of a host and of all together. */
const MOST_LINES = 100_000;

/** Lines at most of each log with which a `--follow` begins. */
const MOST_BEFORE = 1000;

/** Milliseconds for which a line that is followed waits for older ones of other hosts, and between two looks at who has waited. */
const WINDOW = 1000;
const LOOKED_EVERY = 200;

/** Milliseconds until a host that was lost is tried again. */
const AGAIN = 5000;

/** A clock that is further off is told. */
const WORTH_TELLING = 1000;

/** `pgprov logs`: the logs of all hosts in one, by time. Changes nothing. */
export async function logs(file: string, options: LogsOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const grep = options.grep === undefined ? undefined : expression(options.grep);
  const inventory = await loadFor(file, options);
  const { hosts: names } = selectionOf(inventory, options);
  const hosts = inventory.hosts.filter(({ name }) => names?.includes(name) !== false);
  printWarnings(inventory);
  const transport = await environment.transportTo(hosts);
  const store = await environment.openStore(inventory, { writable: false });
  const visits = await Visits.prepare({ inventory, catalog: catalogOf(inventory), store, transport });
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop);
  environment.out.once('error', stop);
  try {
    const { color } = errorLook(environment.out);
    const writer = new LineWriter({
      out: environment.out,
      hosts: hosts.map(({ name }) => name),
      color,
      json: options.json === true,
      timestamps: options.timestamps === true,
      ...(grep === undefined ? {} : { grep }),
    });
    const reading = new Reading({ inventory, hosts, visits, writer, options, environment, signal: interrupt.signal });
    return await (options.follow === true ? reading.follow() : reading.read());
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, stop);
    environment.out.off('error', stop);
  }
}

interface ReadingParts {
  inventory: Inventory;
  hosts: readonly Host[];
  visits: Visits;
  writer: LineWriter;
  options: LogsOptions;
  environment: Environment;
  signal: AbortSignal;
}

class Reading {
  readonly #parts: ReadingParts;
  readonly #since: number;
  readonly #open = new Set<Visited>();
  /** What lines may be called, of all hosts that have answered so far. */
  readonly #units = new Set<string>();
  /** Clocks that were told of. */
  readonly #told = new Set<string>();

  constructor(parts: ReadingParts) {
    this.#parts = parts;
    this.#since = parts.environment.now().getTime() - (parts.options.since ?? USUAL_SINCE);
    parts.signal.addEventListener('abort', () => void this.#close(), { once: true });
  }

  /** All that there is now. */
  async read(): Promise<ExitCode> {
    const { hosts, writer, options, signal } = this.#parts;
    const newest = new NewestLines(MOST_LINES);
    const visited = await Promise.all(hosts.map((host) => this.#visit(host)));
    const wants = this.#selected();
    const cut = new Set<string>();
    const outcomes = await Promise.all(
      visited.map(async (host) => {
        if (!('session' in host)) return host;
        const counts = { journal: 0, files: 0 };
        try {
          const streams = await readLogs(host, { since: this.#since, lines: MOST_LINES, follow: false, wants }, (line, from) => {
            counts[from] += 1;
            if (counts[from] >= MOST_LINES) cut.add(line.host);
            // What must match is cleaned at once, so that only what matches is kept.
            const kept = options.grep === undefined ? line : writer.clean(line);
            if (kept !== undefined) newest.add(kept);
          });
          await Promise.all(streams.map(({ ended }) => ended));
          return undefined;
        } catch (error) {
          return asPgprovError(error, host.session.host.name);
        }
      }),
    );
    await this.#close();
    if (signal.aborted && !writer.closed) return ExitCode.interrupted;
    const lines = newest.sorted();
    await writer.write(options.grep === undefined ? clean(lines, writer) : lines);
    if (newest.cut) this.#say(`only the newest ${MOST_LINES} lines are shown; narrow them with --since, --host, --unit or --grep`);
    else if (cut.size > 0)
      this.#say(`only the newest ${MOST_LINES} lines of ${[...cut].join(', ')} were read; narrow them with --since or --unit`);
    const errors = outcomes.filter((outcome) => outcome !== undefined);
    for (const error of errors) this.#tell(error);
    return errors.length === 0 ? ExitCode.done : ExitCode.unreachable;
  }

  /** What there is, and all that comes, until it is interrupted, which is its way to end and no failure. */
  async follow(): Promise<ExitCode> {
    const { hosts, writer, signal, options, environment } = this.#parts;
    // Until the first host has answered there is nothing else to be seen.
    if (environment.err.isTTY) this.#say(`following the logs of ${listNames(hosts.map(({ name }) => name))}; Ctrl-C ends`);
    const window = new OrderingWindow(WINDOW);
    const add = (line: LogLine): void => {
      const kept = writer.clean(line);
      if (kept !== undefined) window.add(kept, Date.now());
    };
    // Which units there are is known when all have answered; without a choice of units nobody is waited for.
    const visits = hosts.map((host) => this.#visit(host));
    if (options.unit !== undefined) await Promise.all(visits);
    this.#selected();
    const following = Promise.all(hosts.map((host, index) => this.#followHost(host, visits[index] as Promise<Visited | PgprovError>, add)));
    while (!signal.aborted) {
      await Promise.race([following, setTimeout(LOOKED_EVERY)]);
      await writer.write(window.take(Date.now()));
    }
    await writer.write(window.rest());
    await following;
    return ExitCode.done;
  }

  /** Follows a host until it is interrupted; one that is lost is tried again, and continues where it was. */
  async #followHost(host: Host, first: Promise<Visited | PgprovError>, add: (line: LogLine) => void): Promise<void> {
    const { signal } = this.#parts;
    const resume = new Resume(this.#since);
    let lost: string | undefined;
    for (let visit = first; !signal.aborted; visit = this.#visit(host)) {
      const visited = await visit;
      let error = 'session' in visited ? undefined : visited;
      if ('session' in visited) {
        if (lost !== undefined) this.#say(`${host.name} is back`);
        lost = undefined;
        const wants = this.#selected();
        try {
          const wanted = { since: resume.begin(), lines: MOST_BEFORE, follow: true, wants };
          const streams = await readLogs(visited, wanted, (line, from) => {
            if (resume.isNew(line, from)) add(line);
          });
          // Nothing is wanted of it.
          if (streams.length === 0) return;
          await Promise.race(streams.map(({ ended }) => ended));
        } catch (reason) {
          error = asPgprovError(reason, host.name);
        }
        this.#open.delete(visited);
        await visited.session.close();
      }
      if (signal.aborted) return;
      if (error !== undefined && error.message !== lost) {
        // What it advises is meant for who changes something.
        if (error.kind === 'ssh/connection-lost') this.#say(`${error.message}; trying again every ${formatDuration(AGAIN)}`);
        else this.#tell(error);
      }
      lost = error?.message ?? lost;
      await setTimeout(AGAIN, undefined, { signal }).catch(() => undefined);
    }
  }

  async #visit(host: Host): Promise<Visited | PgprovError> {
    const { visits, signal, writer } = this.#parts;
    try {
      const visited = await visits.visit(host, signal);
      this.#open.add(visited);
      const units = unitsOf(visited);
      for (const unit of units) this.#units.add(unit);
      writer.expect(units);
      const offset = clockOffset(visited);
      if (Math.abs(offset) > WORTH_TELLING && !this.#told.has(host.name)) {
        this.#told.add(host.name);
        this.#say(
          `the clock of ${host.name} is ${formatDuration(Math.abs(offset))} ${offset > 0 ? 'ahead' : 'behind'}; its lines are in order all the same`,
        );
      }
      return visited;
    } catch (error) {
      return asPgprovError(error, host.name);
    }
  }

  /**
   * Which lines are wanted, as far as it is known what there may be.
   * @throws InputError for a unit that no host has
   */
  #selected(): (unit: string) => boolean {
    const { unit } = this.#parts.options;
    if (unit === undefined || this.#units.size === 0) return () => true;
    const selected = new Set(selectNames('unit', unit, [...this.#units]));
    return (name) => selected.has(name);
  }

  async #close(): Promise<void> {
    const open = [...this.#open];
    this.#open.clear();
    await Promise.all(open.map(({ session }) => session.close()));
  }

  #say(text: string): void {
    this.#parts.environment.err.write(`${printable(text)}\n`);
  }

  #tell(error: PgprovError): void {
    const { err } = this.#parts.environment;
    err.write(`${renderError(error, errorLook(err))}\n`);
  }
}

function* clean(lines: readonly LogLine[], writer: LineWriter): Generator<LogLine> {
  for (const line of lines) {
    const kept = writer.clean(line);
    if (kept !== undefined) yield kept;
  }
}

function expression(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new InputError({
      kind: 'logs/expression',
      message: `--grep ${JSON.stringify(text)} is no regular expression: ${(cause as Error).message}`,
      hint: 'put a back-slash before what is meant as it stands',
      cause,
    });
  }
}
