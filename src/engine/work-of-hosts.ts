import type { Host, Inventory } from '../model/index.js';
import { leftOutRoles, missingRoles } from '../plan/missing.js';
import { buildPlan } from '../plan/plan.js';
import type { Objection, Role, RoleContext } from '../plan/role.js';
import { joinHostWork, buildHostWork, type HostWork, type RunStage, type StageWork } from '../plan/host-work.js';
import { platformNamed, PLATFORMS, type Platform } from '../platform/index.js';
import { leftUnits } from '../resources/left-units.js';
import { thoroughly, type Gate, type Observation } from '../resources/resource.js';
import type { Store } from '../store/store.js';
import { contextFor } from './context.js';
import { allObservations } from './survey.js';

/** What shapes are worked out from. */
export interface WorkOptions {
  inventory: Inventory;
  store: Store;
  /** Every role there is, in the order in which they are applied. */
  catalog: readonly Role[];
  /** Those that the run applies. */
  roles: readonly Role[];
  /** Ask at the first look already what else only proves a run that changed something. */
  thorough: boolean;
  /** Ask what the roles ask for commands about certificates as well. */
  inspects?: boolean | undefined;
  /** Take only the stages with proofs, on all hosts side by side. */
  crossing?: 'all-at-once' | undefined;
  /** What is asked besides what the roles ask. */
  more?: ((context: RoleContext) => Observation[]) | undefined;
}

/** The shape of each host of a run, for the platform that the host has as far as that is known. */
export class WorkOfHosts {
  readonly #options: WorkOptions;
  /** Looked at and not applied: what the run's roles need on the same host, and the run leaves out. */
  readonly #leftOut: readonly Role[];
  readonly #leftOutShapes = new Map<string, HostWork>();
  readonly #platforms = new Map<string, Platform>();
  /** How often a host's platform turned out to be another than was thought; the others' work may depend on it. */
  #platformRevision = 0;
  /** Shapes as they were worked out last, and what for. */
  readonly #worked = new Map<string, { platform: Platform; learnt: number; shape: HostWork }>();
  /** Shapes of the hosts that were looked at, by name. */
  readonly confirmed = new Map<string, HostWork>();

  constructor(options: WorkOptions) {
    this.#options = options;
    this.#leftOut = leftOutRoles(options.catalog, options.roles);
  }

  /** Takes the hosts for what they were when they were last seen. */
  recall(): void {
    const { inventory, store } = this.#options;
    for (const { name } of inventory.hosts) {
      const remembered = platformNamed(store.remembered(name)?.platform);
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

  /**
   * What the roles of a host that has answered build from.
   * @throws RangeError for one whose platform is not known
   */
  contextOf(host: Host): RoleContext {
    const { inventory, store } = this.#options;
    const platform = this.platformOf(host);
    if (platform === undefined) throw new RangeError(`the system of ${host.name} is not known`);
    return contextFor(inventory, store, host, platform, this.#platforms);
  }

  /** The shape of a host; where nobody knows its platform yet, any will do for the titles. */
  for(host: Host, platform: Platform = PLATFORMS[0] as Platform): HostWork {
    const known = this.#worked.get(host.name);
    if (known?.platform === platform && known.learnt === this.#platformRevision) return known.shape;
    const shape = this.#workOut(host, platform);
    this.#worked.set(host.name, { platform, learnt: this.#platformRevision, shape });
    return shape;
  }

  /** Takes down what a host has turned out to be, and the shape that it was looked at with. */
  confirmPlatform({ name }: Host, platform: Platform, shape: HostWork): void {
    if (this.#platforms.get(name) !== platform) this.#platformRevision += 1;
    this.#platforms.set(name, platform);
    this.confirmed.set(name, shape);
  }

  /** The stages of a run on these hosts as far as is known, which takes no connection. */
  foreseen(hosts: readonly Host[]): RunStage[] {
    return this.#join(hosts, (host) => this.for(host, this.platformOf(host)));
  }

  /** The stages of a run on these hosts in this order, whoever answered first; all of them have been looked at. */
  stages(hosts: readonly Host[]): RunStage[] {
    return this.#join(hosts, ({ name }) => this.confirmed.get(name) as HostWork);
  }

  #join(hosts: readonly Host[], workOf: (host: Host) => HostWork): RunStage[] {
    const { roles, catalog } = this.#options;
    return joinHostWork(roles, new Map(hosts.map((host) => [host.name, workOf(host)])), catalog);
  }

  /** What of the roles that the run leaves out it needs and does not find. */
  missing(hosts: readonly Host[], states: ReadonlyMap<string, ReadonlyMap<string, unknown>>): Objection[] {
    const shapes = hosts.flatMap(({ name }) => {
      const shape = this.#leftOutShapes.get(name);
      return shape === undefined ? [] : [[name, shape] as const];
    });
    return missingRoles(this.#options.roles, buildPlan(joinHostWork(this.#leftOut, new Map(shapes)), states));
  }

  #workOut(host: Host, platform: Platform): HostWork {
    const { inventory, store, roles, thorough, inspects = false, crossing, more } = this.#options;
    const context = contextFor(inventory, store, host, platform, this.#platforms);
    const aimed = buildHostWork(roles, context);
    // Only the shape of all of its roles shows which units they have.
    const isWhole = host.roles.every((role) => roles.some(({ name }) => name === role));
    const units = isWhole ? [leftUnits(aimed.stages.flatMap(({ stage }) => stage.resources.map(({ id }) => id)))] : [];
    const inspections = inspects
      ? roles.filter(({ name }) => host.roles.includes(name)).flatMap((role) => role.inspections?.(context) ?? [])
      : [];
    const all: HostWork = {
      observations: distinct([...aimed.observations, ...units, ...inspections, ...(more?.(context) ?? [])]),
      stages: crossing === undefined ? aimed.stages : aimed.stages.flatMap(sideBySide),
    };
    const shape = thorough ? { ...all, observations: thoroughly(all.observations) } : all;
    if (this.#leftOut.length === 0) return shape;
    const leftOut = buildHostWork(this.#leftOut, context);
    this.#leftOutShapes.set(host.name, leftOut);
    return { ...shape, observations: [...shape.observations, ...allObservations(leftOut)] };
  }
}

/** Each observation once, by its id. */
function distinct(observations: readonly Observation[]): Observation[] {
  return [...new Map(observations.map((observation) => [observation.id, observation])).values()];
}

/** A stage with proofs, without them and independent of the other hosts; its gates wait for all of these. Other stages are left out. */
function sideBySide({ id, stage: { name, title, resources, gates = [], proofs } }: StageWork): StageWork[] {
  if (proofs === undefined) return [];
  const patient = gates.map((gate): Gate => ({ ...gate, wait: () => gate.wait({ ignoreLog: true }) }));
  return [{ id, stage: { name, title, resources, crossing: 'independent', gates: patient } }];
}
