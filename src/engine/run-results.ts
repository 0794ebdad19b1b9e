import type { EventListener, HostRecap } from '../events.js';
import { ExitCode, type PgprovError } from '../lib/errors.js';

/** The gravest reason comes first: it decides the exit code. */
const GRAVITY = [ExitCode.refused, ExitCode.locked, ExitCode.badInput, ExitCode.hostFailed, ExitCode.unreachable, ExitCode.interrupted];

/** What has become of each host so far, and everything that went wrong. */
export class RunResults {
  readonly errors: PgprovError[] = [];
  readonly #recap: Map<string, HostRecap>;
  readonly #emit: EventListener;

  constructor(hosts: readonly string[], emit: EventListener) {
    this.#emit = emit;
    this.#recap = new Map(hosts.map((host) => [host, { host, ok: 0, changed: 0, failed: 0, skipped: 0, remarks: [] }]));
  }

  /** The entries in the order of the run's hosts. */
  get recap(): HostRecap[] {
    return [...this.#recap.values()];
  }

  /** A host's entry, to be counted up. */
  of(host: string): HostRecap {
    const entry = this.#recap.get(host);
    if (entry === undefined) throw new RangeError(`${host} is no host of this run`);
    return entry;
  }

  hasFailed(host: string): boolean {
    return (this.#recap.get(host)?.failed ?? 0) > 0;
  }

  /** The connection to the host was lost, so what it does by now is not known. */
  hasFallenSilent(host: string): boolean {
    return this.errors.some((error) => error.host === host && error.exitCode === ExitCode.unreachable);
  }

  /** A host that failed or was skipped takes no further part in the run. */
  isExcluded(host: string): boolean {
    return this.hasFailed(host) || this.of(host).skipped > 0;
  }

  /** Notes an error outside of any stage, and tells it. */
  fail(error: PgprovError): void {
    this.errors.push(error);
    // Who interrupts a run hears so at its end; a host that was let go for that has not failed.
    if (error.host !== undefined && error.exitCode === ExitCode.interrupted) return;
    if (error.host !== undefined && this.#recap.has(error.host)) this.of(error.host).failed += 1;
    this.#emit({ type: 'failed', error });
  }

  /** Takes it for a state of the cluster, and for no failure of the run, that hosts could not be reached, and gives these errors; others stay. */
  forgiveUnreachable(): PgprovError[] {
    const away = this.errors.filter(({ exitCode }) => exitCode === ExitCode.unreachable);
    this.errors.splice(0, Infinity, ...this.errors.filter(({ exitCode }) => exitCode !== ExitCode.unreachable));
    return away;
  }

  /** Tells all reasons but the last, which is thrown; nothing happens when there is none. */
  throwAll(reasons: readonly PgprovError[]): void {
    for (const reason of reasons.slice(0, -1)) this.fail(reason);
    const last = reasons.at(-1);
    if (last) throw last;
  }

  /** The exit code that the run has earned. */
  exitCode(interrupted: boolean): ExitCode {
    const codes = new Set(this.errors.map(({ exitCode }) => exitCode));
    return GRAVITY.find((code) => codes.has(code)) ?? (interrupted ? ExitCode.interrupted : ExitCode.done);
  }
}
