import { join } from 'node:path';
import { InputError, PgprovError } from '../lib/errors.js';
import type { Role, RoleContext, Stage, UnitGuard } from '../plan/role.js';
import { renderTemplate } from '../plan/template.js';
import type { Gate, Observation, Resource } from '../resources/resource.js';
import { placeOf } from './import-role.js';
import type { RoleFile } from './role-files.js';

/** A user's role whose templates lie beside it, and whose defects are told as its own, with their place. */
export function guardedRole(role: Role, file: RoleFile): Role {
  const blame = blamer(role.name, file.directory);
  const own = (context: RoleContext): RoleContext => ({
    ...context,
    template: (name, data) => renderTemplate(name, data, join(file.directory, 'templates')),
  });
  const { install, observations, inspections, contributes, problems, preflight, needs, guards, notices, effects, checks, remarks } = role;
  return {
    ...role,
    stages: (context) => blame(() => checkedStages(role.stages(own(context)), role.name)).map((stage) => guardedStage(stage, blame)),
    ...(contributes && { contributes: (host) => blame(() => contributes.call(role, host)) }),
    ...(problems && { problems: (hosts) => blame(() => problems.call(role, hosts)) }),
    ...(install && { install: (context) => blame(() => install.call(role, own(context))) }),
    ...(observations && { observations: (context) => blame(() => observations.call(role, own(context))).map((each) => guarded(each, blame)) }),
    ...(inspections && { inspections: (context) => blame(() => inspections.call(role, own(context))).map((each) => guarded(each, blame)) }),
    ...(preflight && { preflight: (view) => blame(() => preflight.call(role, view)) }),
    ...(needs && { needs: (view, part) => blame(() => needs.call(role, view, part)) }),
    ...(guards && { guards: (view, material) => blame(() => guards.call(role, view, material)) }),
    ...(effects && { effects: (view) => blame(() => effects.call(role, view)) }),
    ...(checks && { checks: (view) => blame(() => checks.call(role, view)) }),
    ...(notices && { notices: (view) => blame(() => notices.call(role, view)) }),
    ...(remarks && { remarks: (view, host) => blame(() => remarks.call(role, view, host)) }),
  };
}

type Blame = <Result>(work: () => Result) => Result;

/** Tells errors that came out of a role's code from those of pgprov, which go on as they are. */
function blamer(name: string, directory: string): Blame {
  return (work) => {
    try {
      return work();
    } catch (thrown) {
      const place = thrown instanceof PgprovError ? undefined : placeOf(thrown, directory);
      if (place === undefined) throw thrown;
      throw new InputError({ kind: 'roles/defect', message: `role ${name}, ${place}: ${(thrown as Error).message}`, hint: 'this is a defect of the role', cause: thrown });
    }
  };
}

function guardedStage(stage: Stage, blame: Blame): Stage {
  return {
    ...stage,
    resources: stage.resources.map((resource) => guarded(resource, blame)),
    ...(stage.gates && { gates: stage.gates.map((gate) => guarded(gate, blame)) }),
    ...(stage.unitGuard && { unitGuard: guardedUnitGuard(stage.unitGuard, blame) }),
  };
}

function guardedUnitGuard(guard: UnitGuard, blame: Blame): UnitGuard {
  return {
    asks: guard.asks.map((observation) => guarded(observation, blame)),
    objection: (view, move) => blame(() => guard.objection(view, move)),
  };
}

const METHODS = ['probe', 'parse', 'diff', 'apply', 'digest', 'wait'] as const;

/** The same thing, its methods guarded; what it has from a class of its own is found through the prototype. */
function guarded<Thing extends Observation>(thing: Thing, blame: Blame): Thing {
  const own = thing as unknown as Readonly<Record<string, (...values: readonly unknown[]) => unknown>>;
  const methods = METHODS.filter((name) => typeof own[name] === 'function');
  const wrapped = methods.map((name) => [name, (...values: readonly unknown[]) => blame(() => own[name]?.(...values))] as const);
  const thorough = thing.thorough && { thorough: guarded(thing.thorough, blame) };
  return Object.assign(Object.create(thing), thing, Object.fromEntries(wrapped), thorough) as Thing;
}

/** What the types promise of stages; JavaScript promises nothing. */
function checkedStages(stages: unknown, role: string): Stage[] {
  const list = listOf<Partial<Stage>>(stages, `role ${role}: stages`);
  const names = new Set<unknown>();
  list.forEach((stage, index) => {
    const place = `role ${role}: stage ${stage.name ?? index + 1}`;
    insist(typeof stage.name === 'string' && /^[a-z0-9][a-z0-9_-]*$/u.test(stage.name), `${place}: name must be of lower-case letters, digits, - and _`);
    insist(!names.has(stage.name), `${place}: two stages have this name`);
    insist(typeof stage.title === 'string', `${place}: title must be a text`);
    insist(stage.crossing === 'independent' || stage.crossing === 'rolling', `${place}: crossing must be 'independent' or 'rolling'`);
    names.add(stage.name);
    listOf<Partial<Resource>>(stage.resources, `${place}: resources`).forEach((resource, at) => insistMethods(resource, METHODS.slice(0, 5), `${place}: resource ${resource.id ?? at + 1}`));
    listOf<Partial<Gate>>(stage.gates ?? [], `${place}: gates`).forEach((gate, at) => insistMethods(gate, ['probe', 'parse', 'wait'], `${place}: gate ${gate.id ?? at + 1}`));
  });
  return list as Stage[];
}

function listOf<Item>(value: unknown, what: string): Item[] {
  insist(Array.isArray(value), `${what} must be a list`);
  return (value as Item[]).map((item) => {
    insist(typeof item === 'object' && item !== null, `${what} must hold objects, not ${String(item)}`);
    return item;
  });
}

function insistMethods(thing: { id?: string }, methods: readonly string[], place: string): void {
  insist(typeof thing.id === 'string' && thing.id !== '', `${place}: id must be a text`);
  const missing = methods.find((name) => typeof (thing as Record<string, unknown>)[name] !== 'function');
  insist(missing === undefined, `${place}: ${missing ?? ''}() is missing`);
}

function insist(holds: boolean, message: string): void {
  if (!holds) throw new InputError({ kind: 'roles/defect', message, hint: 'this is a defect of the role' });
}
