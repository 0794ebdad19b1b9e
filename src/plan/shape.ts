import { InputError } from '../lib/errors.js';
import type { Observation } from '../resources/resource.js';
import { installationStage, installationTitle } from './installation.js';
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

/** One stage of one host. */
export interface StageShape {
  /** `role/name` */
  id: string;
  stage: Stage;
  /** With packages of several roles: what each has there, for people, by role. */
  installs?: ReadonlyMap<string, string>;
}

/** Everything that is asked of one host: what its roles observe, and all resources and gates of its stages. */
export interface HostShape {
  observations: Observation[];
  stages: StageShape[];
}

/** One host's stages and observations, from its context; the packages of all of its roles are installed in one stage. */
export function shapeHost(roles: readonly Role[], context: RoleContext): HostShape {
  const mine = roles.filter((role) => context.host.roles.includes(role.name));
  const observations = mine.flatMap((role) => role.observations?.(context) ?? []);
  const distinct = new Map(observations.map((observation) => [observation.id, observation]));
  const installations = mine.flatMap((role) => (role.install === undefined ? [] : [{ role: role.name, ...role.install(context) }]));
  const [first] = installations;
  const stages = mine.flatMap((role): StageShape[] => [
    ...(role.name === first?.role
      ? [
          {
            id: `${role.name}/packages`,
            stage: installationStage(role.name, installations, context.platform.packageManager),
            installs: new Map(installations.map((each) => [each.role, each.what])),
          },
        ]
      : []),
    ...role.stages(context).map((stage) => ({ id: `${role.name}/${stage.name}`, stage })),
  ]);
  insistDistinct(stages, context.host.name);
  return { observations: [...distinct.values()], stages };
}

/** Two resources of one name would be asked once, and undo each other's work. */
function insistDistinct(stages: readonly StageShape[], host: string): void {
  const owners = new Map<string, string>();
  for (const { id, stage } of stages) {
    for (const resource of stage.resources) {
      const other = owners.get(resource.id);
      if (other !== undefined) {
        throw new InputError({
          kind: 'roles/same-resource',
          message: `${host}: the stages ${other} and ${id} both have a resource ${resource.id}`,
          hint: 'let one role have it; another may add to what it does with `contributes`',
        });
      }
      owners.set(resource.id, id);
    }
  }
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
        const { crossing, leaderFirst = false } = stage;
        // A stage that only this host has goes where this host has it: after the one before.
        const at = list.findIndex((candidate) => candidate.id === previous) + 1;
        list.splice(at, 0, { id, role, title: titleOf(id, roles, shapes) ?? stage.title, crossing, leaderFirst, hosts: new Map([[host, stage]]) });
      }
      previous = id;
    }
  }
  return [...byRole.values()].flat();
}

/** Title of a stage in which packages are installed, with what any of the hosts has there; undefined for other stages. */
function titleOf(id: string, roles: readonly Role[], shapes: ReadonlyMap<string, HostShape>): string | undefined {
  const parts = [...shapes.values()].flatMap(({ stages }) => stages.filter((candidate) => candidate.id === id));
  const whats = new Map(parts.flatMap(({ installs = [] }) => [...installs]));
  return whats.size === 0 ? undefined : installationTitle(roles.flatMap(({ name }) => whats.get(name) ?? []));
}
