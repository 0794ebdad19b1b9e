import { InputError } from '../lib/errors.js';
import type { Observation, Resource } from '../resources/resource.js';
import { installationStage, installationTitle } from './installation.js';
import { NoIdentity } from '../store/no-identity.js';
import type { Leadership, Role, RoleContext, Stage } from './role.js';

/** A stage of a run: the same stage of every host that has it. */
export interface RunStage {
  /** `role/name` */
  id: string;
  role: string;
  title: string;
  crossing: Stage['crossing'];
  startsFirst?: Stage['startsFirst'];
  /** Who leads, as a role of the catalog says, whichever role the stage is of. */
  leadership?: Leadership;
  /** Host name to its part, in inventory order. */
  hosts: Map<string, Stage>;
}

/** One stage of one host. */
export interface StageWork {
  /** `role/name` */
  id: string;
  stage: Stage;
  /** With packages of several roles: what each has there, for people, by role. */
  installs?: ReadonlyMap<string, string>;
}

/** Everything that is asked of one host: what its roles observe, and all resources and gates of its stages. */
export interface HostWork {
  observations: Observation[];
  stages: StageWork[];
}

/** One host's stages and observations, from its context; the packages of all of its roles are installed in one stage. */
export function buildHostWork(roles: readonly Role[], context: RoleContext): HostWork {
  const mine = roles.filter((role) => context.host.roles.includes(role.name));
  const observations = mine.flatMap((role) => asked(role, () => role.observations?.(context)) ?? []);
  const distinct = new Map(observations.map((observation) => [observation.id, observation]));
  const installations = mine.flatMap((role) => {
    const installation = asked(role, () => role.install?.(context));
    return installation === undefined ? [] : [{ role: role.name, ...installation }];
  });
  const [first] = installations;
  const stages = mine.flatMap((role): StageWork[] => [
    ...(role.name === first?.role
      ? [
          {
            id: `${role.name}/packages`,
            stage: installationStage(role.name, installations, context.platform.packageManager),
            installs: new Map(installations.map((each) => [each.role, each.what])),
          },
        ]
      : []),
    ...asked(role, () => role.stages(context)).map((stage) => ({ id: `${role.name}/${stage.name}`, stage })),
  ]);
  assertDistinct(stages, context.host.name);
  return { observations: [...distinct.values()], stages };
}

/** What a role answers; that it asks for a key pair which its host has not is told with its name. */
function asked<Result>({ name }: Role, answer: () => Result): Result {
  try {
    return answer();
  } catch (thrown) {
    throw thrown instanceof NoIdentity ? new NoIdentity(thrown.of, name) : thrown;
  }
}

/**
 * Two resources of one name would be asked once, and undo each other's work. Stages that a host takes by what is seen may have the same one, because
 * it wants the same in each of them.
 */
function assertDistinct(stages: readonly StageWork[], host: string): void {
  const owners = new Map<string, { id: string; stage: Stage; resource: Resource }>();
  for (const { id, stage } of stages) {
    for (const resource of stage.resources) {
      const other = owners.get(resource.id);
      if (other !== undefined && !(areChosen(other, { id, stage }) && other.resource.digest() === resource.digest())) {
        throw new InputError({
          kind: 'roles/same-resource',
          message: `${host}: the stages ${other.id} and ${id} both have a resource ${resource.id}`,
          hint: 'let one role have it; another may add to what it does with `contributes`',
        });
      }
      owners.set(resource.id, { id, stage, resource });
    }
  }
}

/** Two stages of which a host takes part in each only where what is seen says so. */
function areChosen(one: StageWork, other: StageWork): boolean {
  return one.id !== other.id && one.stage.takesPart !== undefined && other.stage.takesPart !== undefined;
}

/**
 * The stages of a run in order, each with the hosts that have it.
 * @param catalog every role there is, of which one may say who leads; default: the run's
 */
export function joinHostWork(roles: readonly Role[], shapes: ReadonlyMap<string, HostWork>, catalog: readonly Role[] = roles): RunStage[] {
  const leadership = catalog.find((role) => role.leadership !== undefined)?.leadership;
  const byRole = new Map<string, RunStage[]>(roles.map((role) => [role.name, []]));
  for (const [host, shape] of shapes) {
    let previous = '';
    for (const { id, stage } of shape.stages) {
      const role = id.slice(0, id.indexOf('/'));
      const list = byRole.get(role) ?? [];
      const existing = list.find((candidate) => candidate.id === id);
      if (existing) existing.hosts.set(host, stage);
      else {
        const { crossing, startsFirst } = stage;
        // A stage that only this host has goes where this host has it: after the one before.
        const at = list.findIndex((candidate) => candidate.id === previous) + 1;
        list.splice(at, 0, {
          id,
          role,
          title: titleOf(id, roles, shapes) ?? stage.title,
          crossing,
          ...(startsFirst === undefined ? {} : { startsFirst }),
          ...(leadership === undefined ? {} : { leadership }),
          hosts: new Map([[host, stage]]),
        });
      }
      previous = id;
    }
  }
  return [...byRole.values()].flat();
}

/** Title of a stage in which packages are installed, with what any of the hosts has there; undefined for other stages. */
function titleOf(id: string, roles: readonly Role[], shapes: ReadonlyMap<string, HostWork>): string | undefined {
  const parts = [...shapes.values()].flatMap(({ stages }) => stages.filter((candidate) => candidate.id === id));
  const whats = new Map(parts.flatMap(({ installs = [] }) => [...installs]));
  return whats.size === 0 ? undefined : installationTitle(roles.flatMap(({ name }) => whats.get(name) ?? []));
}
