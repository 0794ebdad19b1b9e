import { setTimeout } from 'node:timers/promises';
import { patienceFor, type Inventory } from '../model/index.js';
import type { Objection } from '../plan/role.js';
import type { RunStage } from '../plan/host-work.js';
import type { States } from '../plan/plan.js';
import { View } from '../plan/view.js';
import { moveOf, sortWaves } from '../plan/waves.js';
import type { Session } from './session.js';
import { probeSections, takeStates } from './survey.js';

/** Milliseconds that a host of the usual patience is given to answer; one that is silent is told from one that is slow. */
const ANSWER_WITHIN = 20_000;

/** Seconds for which a guard that does not say otherwise is asked again where it objects, and the milliseconds in between. */
const PATIENCE = 5;
const BETWEEN_LOOKS = 1000;

/** What unit guards are asked with. */
export interface UnitGuardsOptions {
  inventory: Inventory;
  sessions: ReadonlyMap<string, Session>;
}

/** Asks the hosts of a stage how things are now, and its guards whether units may be started or restarted. */
export class UnitGuards {
  readonly #options: UnitGuardsOptions;

  constructor(options: UnitGuardsOptions) {
    this.#options = options;
  }

  /** The objections to what a stage that was planned would do, by host. */
  async foresee(stage: RunStage): Promise<Map<string, Objection>> {
    if (stage.crossing !== 'rolling') return new Map();
    const { leader, together, oneByOne } = sortWaves(stage, this.#states(), this.#options.inventory);
    const first = [...leader, ...together].filter((host) => this.#moves(stage, host));
    // A member that does not work goes before those that do, so it is up by then, or the run stops there.
    return this.ask(
      stage,
      [...first, ...oneByOne],
      (host) => new Set([...first, ...oneByOne.slice(0, Math.max(0, oneByOne.indexOf(host)))]),
    );
  }

  /** The objections to what the stage does to the units of these hosts now, by host. */
  async ask(
    stage: RunStage,
    hosts: readonly string[],
    before: (host: string) => ReadonlySet<string> = () => new Set(),
  ): Promise<Map<string, Objection>> {
    const guarded = hosts.filter((host) => stage.hosts.get(host)?.unitGuard !== undefined && this.#moves(stage, host));
    if (guarded.length === 0) return new Map();
    const seconds = Math.max(...guarded.map((host) => stage.hosts.get(host)?.unitGuard?.patience ?? PATIENCE));
    const until = Date.now() + 1000 * seconds * this.#slowness(stage);
    for (;;) {
      await this.#look(stage);
      const view = new View(this.#options.inventory, this.#states());
      const objections = new Map(guarded.flatMap((host) => this.#objection(stage, host, view, before(host))));
      if (objections.size === 0 || Date.now() >= until) return objections;
      await setTimeout(BETWEEN_LOOKS);
    }
  }

  #objection(stage: RunStage, host: string, view: View, before: ReadonlySet<string>): [string, Objection][] {
    const action = moveOf(stage, host, this.#states().get(host) ?? new Map());
    const objection = action === undefined ? undefined : stage.hosts.get(host)?.unitGuard?.objection(view, { host, action, before });
    return objection === undefined ? [] : [[host, objection]];
  }

  #moves(stage: RunStage, host: string): boolean {
    const session = this.#options.sessions.get(host);
    return session !== undefined && moveOf(stage, host, session.states) !== undefined;
  }

  #slowness(stage: RunStage): number {
    return patienceFor([...stage.hosts.keys()].flatMap((host) => this.#options.sessions.get(host)?.host ?? []));
  }

  #states(): Map<string, States> {
    return new Map([...this.#options.sessions].map(([host, { states }]) => [host, states]));
  }

  /** Takes what is known to the guards anew from every host of the stage; what a host does not tell is forgotten. */
  async #look(stage: RunStage): Promise<void> {
    await Promise.all(
      [...stage.hosts].map(async ([host, { unitGuard }]) => {
        const session = this.#options.sessions.get(host);
        if (session === undefined || unitGuard === undefined) return;
        const { asks } = unitGuard;
        for (const { id } of asks) session.states.delete(id);
        const answered = session.run(probeSections(asks, session.states)).then(({ byId }) => takeStates(session, asks, byId));
        answered.catch(() => {});
        await Promise.race([answered.catch(() => {}), setTimeout(ANSWER_WITHIN * session.host.patience, undefined, { ref: false })]);
      }),
    );
  }
}
