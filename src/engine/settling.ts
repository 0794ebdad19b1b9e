import { setTimeout } from 'node:timers/promises';
import { patienceFor } from '../model/index.js';
import type { OperationObjection } from '../plan/operation.js';
import type { Settling } from '../plan/role.js';
import type { Cluster } from './cluster.js';

/** Milliseconds between two looks at what may pass by itself. */
const BETWEEN_LOOKS = 2000;

/** What may speak against a run, and how it is asked. */
export interface SettlingOptions<Found extends OperationObjection> {
  cluster: Cluster;
  /** Asks the guards of what was seen last. */
  objections(): readonly Found[];
  /** Looks at all hosts anew. */
  look(found: readonly Found[]): Promise<void>;
  /** Seconds for objections that may pass and do not say what moves; default 0. */
  patience?: number;
}

/**
 * The objections that count. While all that there are may pass by themselves, and something of what they are about gets further, the hosts are
 * looked at again, all side by side; one look serves all objections. An interruption ends the wait with what was seen last.
 */
export async function settled<Found extends OperationObjection>(options: SettlingOptions<Found>): Promise<readonly Found[]> {
  const { cluster, objections, look, patience = 0 } = options;
  const began = Date.now();
  const movement = new Movement(patience);
  let told: string | undefined;
  for (;;) {
    const found = objections();
    const text = movement.take(found);
    const limit = movement.within * 1000 * patienceFor(cluster.connections.hosts);
    const isOver = Date.now() >= movement.since + limit;
    if (text === undefined || isOver || cluster.signal.aborted) {
      if (told !== undefined) cluster.emit({ type: 'awaited', ms: Date.now() - began });
      return text !== undefined && isOver ? found.map((objection) => ({ ...objection, ...waitedWords(objection, limit) })) : found;
    }
    if (text !== told) cluster.emit({ type: 'awaiting', text });
    told = text;
    await setTimeout(BETWEEN_LOOKS, undefined, { signal: cluster.signal }).catch(() => undefined);
    // Who interrupts the wait hears what it was for, and not only that it was interrupted.
    if (!cluster.signal.aborted) await look(found);
  }
}

/** Whether anything gets further, over several looks. */
class Movement {
  /** When something was seen that had not been seen before. */
  since = Date.now();
  /** Seconds for which it may stand still. */
  within = 0;
  readonly #patience: number;
  readonly #seen = new Set<string>();
  readonly #failed = new Set<string>();

  constructor(patience: number) {
    this.#patience = patience;
  }

  /** Takes in a look; gives what is waited for, as a clause, undefined where nothing is to be waited for. */
  take(found: readonly OperationObjection[]): string | undefined {
    const [first] = found;
    if (first === undefined || found.some(({ settles }) => settles === undefined)) return undefined;
    const told = found.flatMap(({ settles }) => (settles === undefined || settles === true ? [] : [settles]));
    for (const { failed } of told) for (const host of failed) this.#failed.add(host);
    const moving = told.filter(({ moves }) => this.#hopeful(moves).length > 0);
    if (moving.length < told.length) return undefined;
    const clauses = [...new Set(moving.flatMap(({ moves }) => this.#hopeful(moves)))];
    if (clauses.some((clause) => !this.#seen.has(clause))) this.since = Date.now();
    for (const clause of clauses) this.#seen.add(clause);
    const seconds = found.map(({ settles }) => (settles === undefined || settles === true ? this.#patience : settles.within));
    this.within = Math.max(...seconds);
    return clauses.length > 0 ? clauses.join(', and ') : firstLine(first.message);
  }

  /** What moves on hosts where it has not failed meanwhile. */
  #hopeful(moves: Settling['moves']): string[] {
    return [...moves].flatMap(([host, clause]) => (this.#failed.has(host) ? [] : [clause]));
  }
}

/** That it was waited for in vain, ahead of the advice. */
function waitedWords({ settles, hint }: OperationObjection, limit: number): Pick<OperationObjection, 'hint'> {
  if (settles === undefined || settles === true) return { hint };
  const by = settles.variable === undefined ? '' : ` (${settles.variable})`;
  return { hint: `it got no further in ${Math.round(limit / 1000)} s${by}; ${hint}` };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
