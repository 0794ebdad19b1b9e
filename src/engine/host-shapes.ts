import type { Host, Inventory } from '../model/index.js';
import { leftOutRoles, missingRoles } from '../plan/missing.js';
import { buildPlan } from '../plan/plan.js';
import type { Objection, Role } from '../plan/role.js';
import { joinShapes, shapeHost, type HostShape, type RunStage } from '../plan/shape.js';
import { PLATFORMS, type Platform } from '../platform/index.js';
import { thoroughly } from '../resources/resource.js';
import type { Store } from '../store/store.js';
import { contextFor } from './context.js';
import { askable } from './survey.js';

/** What shapes are worked out from. */
export interface HostShapesOptions {
  inventory: Inventory;
  store: Store;
  /** Every role there is, in the order in which they are applied. */
  catalog: readonly Role[];
  /** Those that the run applies. */
  roles: readonly Role[];
  /** Ask at the first look already what else only proves a run that changed something. */
  thorough: boolean;
}

/** The shape of each host of a run, for the platform that the host has as far as that is known. */
export class HostShapes {
  readonly #options: HostShapesOptions;
  /** Looked at and not applied: what the run's roles need on the same host, and the run leaves out. */
  readonly #leftOut: readonly Role[];
  readonly #leftOutShapes = new Map<string, HostShape>();
  readonly #platforms = new Map<string, Platform>();
  /** How often a host's platform turned out to be another than was thought; the others' shapes may go by it. */
  #learnt = 0;
  /** Shapes as they were worked out last, and what for. */
  readonly #worked = new Map<string, { platform: Platform; learnt: number; shape: HostShape }>();
  /** Shapes of the hosts that were looked at, by name. */
  readonly settled = new Map<string, HostShape>();

  constructor(options: HostShapesOptions) {
    this.#options = options;
    this.#leftOut = leftOutRoles(options.catalog, options.roles);
  }

  /** Takes the hosts for what they were when they were last seen. */
  recall(): void {
    const { inventory, store } = this.#options;
    for (const { name } of inventory.hosts) {
      const remembered = PLATFORMS.find(({ id }) => id === store.remembered(name)?.platform);
      if (remembered) this.#platforms.set(name, remembered);
    }
  }

  /** Keeps what the hosts turned out to be for the next run. */
  async remember(): Promise<void> {
    await this.#options.store.remember(Object.fromEntries([...this.#platforms].map(([name, { id }]) => [name, { platform: id }])));
  }

  /** What a host is as far as is known. */
  platformOf({ name }: Host): Platform | undefined {
    return this.#platforms.get(name);
  }

  /** The shape of a host; where nobody knows its platform yet, any will do for the titles. */
  for(host: Host, platform: Platform = PLATFORMS[0] as Platform): HostShape {
    const known = this.#worked.get(host.name);
    if (known?.platform === platform && known.learnt === this.#learnt) return known.shape;
    const shape = this.#workOut(host, platform);
    this.#worked.set(host.name, { platform, learnt: this.#learnt, shape });
    return shape;
  }

  /** Takes down what a host has turned out to be, and the shape that it was looked at with. */
  settle({ name }: Host, platform: Platform, shape: HostShape): void {
    if (this.#platforms.get(name) !== platform) this.#learnt += 1;
    this.#platforms.set(name, platform);
    this.settled.set(name, shape);
  }

  /** The stages of a run on these hosts as far as is known, which takes no connection. */
  foreseen(hosts: readonly Host[]): RunStage[] {
    return joinShapes(this.#options.roles, new Map(hosts.map((host) => [host.name, this.for(host, this.platformOf(host))])));
  }

  /** The stages of a run on these hosts in this order, whoever answered first; all of them have been looked at. */
  stages(hosts: readonly Host[]): RunStage[] {
    return joinShapes(this.#options.roles, new Map(hosts.map(({ name }) => [name, this.settled.get(name) as HostShape])));
  }

  /** What of the roles that the run leaves out it needs and does not find. */
  missing(hosts: readonly Host[], states: ReadonlyMap<string, ReadonlyMap<string, unknown>>): Objection[] {
    const shapes = hosts.flatMap(({ name }) => {
      const shape = this.#leftOutShapes.get(name);
      return shape === undefined ? [] : [[name, shape] as const];
    });
    return missingRoles(this.#options.roles, buildPlan(joinShapes(this.#leftOut, new Map(shapes)), states));
  }

  #workOut(host: Host, platform: Platform): HostShape {
    const { inventory, store, roles, thorough } = this.#options;
    const context = contextFor(inventory, store, host, platform, this.#platforms);
    const all = shapeHost(roles, context);
    const shape = thorough ? { ...all, observations: thoroughly(all.observations) } : all;
    if (this.#leftOut.length === 0) return shape;
    const leftOut = shapeHost(this.#leftOut, context);
    this.#leftOutShapes.set(host.name, leftOut);
    return { ...shape, observations: [...shape.observations, ...askable(leftOut)] };
  }
}
