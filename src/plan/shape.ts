import { InputError } from '../lib/errors.js';
import type { Inventory } from '../model/index.js';
import type { Observation } from '../resources/resource.js';
import type { Role, RoleContext, Stage } from './role.js';

/** A stage of a run: the same stage of every host that has it. */
export interface RunStage {
  /** `role/name` */
  id: string;
  role: string;
  title: string;
  crossing: Stage['crossing'];
  leaderFirst: boolean;
  /** Host name to its part, in inventory order. */
  hosts: Map<string, Stage>;
}

/** What a command is aimed at; undefined: everything. */
export interface Aim {
  hosts?: readonly string[];
  roles?: readonly string[];
}

/** Everything that is asked of one host: what its roles observe, and all resources and gates of its stages. */
export interface HostShape {
  observations: Observation[];
  stages: { id: string; stage: Stage }[];
}

/** The roles of a run in the catalog's order, which is the order in which they are applied. */
export function aimedRoles(catalog: readonly Role[], aim: Aim): Role[] {
  return catalog.filter((role) => aim.roles === undefined || aim.roles.includes(role.name));
}

/** The hosts of a run, in inventory order. */
export function aimedHosts(inventory: Inventory, catalog: readonly Role[], aim: Aim): string[] {
  const roles = new Set(aimedRoles(catalog, aim).map((role) => role.name));
  return inventory.hosts
    .filter((host) => aim.hosts === undefined || aim.hosts.includes(host.name))
    .filter((host) => host.roles.some((role) => roles.has(role)))
    .map((host) => host.name);
}

/**
 * Checks that the aim hits something.
 * @throws InputError naming what there is to aim at
 */
export function checkAim(inventory: Inventory, catalog: readonly Role[], aim: Aim): void {
  const names = inventory.hosts.map((host) => host.name);
  for (const host of aim.hosts ?? []) {
    if (!names.includes(host)) throw nothingThere('host', host, names);
  }
  const roles = catalog.map((role) => role.name);
  for (const role of aim.roles ?? []) {
    if (!roles.includes(role)) throw nothingThere('role', role, roles);
  }
  if (aimedHosts(inventory, catalog, aim).length > 0) return;
  throw new InputError({
    kind: 'aim/nothing',
    message: `none of the hosts aimed at has ${aim.roles === undefined ? 'a role' : `the role ${aim.roles.join(', ')}`}`,
    hint: inventory.hosts.map((host) => `${host.name}: ${host.roles.join(', ')}`).join('; '),
  });
}

function nothingThere(kind: 'host' | 'role', name: string, there: readonly string[]): InputError {
  return new InputError({
    kind: `aim/unknown-${kind}`,
    message: `there is no ${kind} ${JSON.stringify(name)}`,
    hint: `the ${kind}s are ${there.join(', ')}`,
  });
}

/** One host's stages and observations, from its context. */
export function shapeHost(roles: readonly Role[], context: RoleContext): HostShape {
  const mine = roles.filter((role) => context.host.roles.includes(role.name));
  const observations = mine.flatMap((role) => role.observations?.(context) ?? []);
  const distinct = new Map(observations.map((observation) => [observation.id, observation]));
  return {
    observations: [...distinct.values()],
    stages: mine.flatMap((role) =>
      role.stages(context).map((stage) => ({ id: `${role.name}/${stage.name}`, stage })),
    ),
  };
}

/** The stages of a run in order, each with the hosts that have it. */
export function joinShapes(roles: readonly Role[], shapes: ReadonlyMap<string, HostShape>): RunStage[] {
  const byRole = new Map<string, RunStage[]>(roles.map((role) => [role.name, []]));
  for (const [host, shape] of shapes) {
    let previous = '';
    for (const { id, stage } of shape.stages) {
      const role = id.slice(0, id.indexOf('/'));
      const list = byRole.get(role) ?? [];
      const existing = list.find((candidate) => candidate.id === id);
      if (existing) existing.hosts.set(host, stage);
      else {
        const { title, crossing, leaderFirst = false } = stage;
        // A stage that only this host has goes where this host has it: after the one before.
        const at = list.findIndex((candidate) => candidate.id === previous) + 1;
        list.splice(at, 0, { id, role, title, crossing, leaderFirst, hosts: new Map([[host, stage]]) });
      }
      previous = id;
    }
  }
  return [...byRole.values()].flat();
}
