import type { Platform } from '../platform/index.js';
import type { Diagnosis } from '../plan/diagnosis.js';
import type { ClusterPassword, Leadership, Role, RoleContext, Stage, UnitGuard } from '../plan/role.js';
import type { Observation } from '../resources/resource.js';
import { blamer, guarded, ownContext, type Blame } from './blame.js';
import { ROLE_PROPERTIES } from './check-role.js';
import {
  checkedCopies,
  checkedDiagnoses,
  checkedEntrances,
  checkedFindings,
  checkedIdentity,
  checkedLines,
  checkedPatience,
  checkedPorts,
  checkedProtocols,
  checkedReasons,
  checkedStages,
} from './checked-results.js';
import type { RoleFile } from './role-files.js';

/** A user's role whose templates lie beside it, and whose defects are reported as its own, with their place. */
export function guardedRole(role: Role, file: RoleFile): Role {
  const blame = blamer(`role ${role.name}`, file.directory);
  const beside = ownContext(file.directory);
  const guard: Guard = { role: role.name, blame, beside };
  const names = Object.keys(ROLE_PROPERTIES) as (keyof Role)[];
  const wrapped = names.flatMap((name): [string, Callable][] => {
    const own = role[name] as Callable | undefined;
    if (ROLE_PROPERTIES[name].kind !== 'function' || own === undefined) return [];
    const finish = RESULTS[name] as ((result: unknown, guard: Guard) => unknown) | undefined;
    const takesContext = WITH_CONTEXT.includes(name);
    const call: Callable = (first, ...others) => {
      const result = blame(() => own.call(role, takesContext ? beside(first as RoleContext) : first, ...others));
      return finish === undefined ? result : finish(result, guard);
    };
    return [[name, call]];
  });
  const { leadership, diagnoses } = role;
  return {
    ...role,
    ...Object.fromEntries(wrapped),
    ...(leadership && { leadership: guardedLeadership(leadership, blame) }),
    ...(diagnoses && { diagnoses: checkedDiagnoses(diagnoses, role.name).map((diagnosis) => guardedDiagnosis(diagnosis, guard)) }),
  };
}

type Callable = (this: unknown, ...values: readonly unknown[]) => unknown;

/** What results are guarded with. */
interface Guard {
  role: string;
  blame: Blame;
  /** The context with the templates that lie beside the role. */
  beside(context: RoleContext): RoleContext;
}

/** Functions of a role that begin with a context. */
const WITH_CONTEXT: readonly (keyof Role)[] = ['install', 'stages', 'observations', 'inspections', 'saves'];

/** What becomes of results that are to be checked, or that have functions of the role in them. */
const RESULTS: Partial<Record<keyof Role, (result: never, guard: Guard) => unknown>> = {
  stages: (stages: unknown, { role, blame }) => checkedStages(stages, role).map((stage) => guardedStage(stage, blame)),
  observations: guardedObservations,
  inspections: guardedObservations,
  saves: guardedObservations,
  ports: (ports: unknown, { role }) => checkedPorts(ports, role),
  protocols: (protocols: unknown, { role }) => checkedProtocols(protocols, role),
  entrances: (entrances: unknown, { role }) => checkedEntrances(entrances, role),
  patience: (factor: unknown, { role }) => checkedPatience(factor, role),
  reasons: (reasons: unknown, { role }) => checkedReasons(reasons, role),
  tls: (given: unknown, { role, blame }) => {
    const identity = checkedIdentity(given, role);
    if (identity === undefined) return undefined;
    const { copies, inUse } = identity;
    return {
      ...identity,
      copies: (platform: Platform) => {
        const made = blame(() => copies.call(identity, platform));
        return checkedCopies(made, role);
      },
      ...(inUse && { inUse: (...seen: Parameters<typeof inUse>) => blame(() => inUse.apply(identity, seen)) }),
    };
  },
  passwords: (passwords: readonly ClusterPassword[], { blame, beside }) =>
    passwords.map((password) => ({
      ...password,
      logins: (context: RoleContext, values: Parameters<ClusterPassword['logins']>[1]) => {
        const observation = blame(() => password.logins(beside(context), values));
        return guarded(observation, blame);
      },
    })),
  status: (lines: unknown, { role }) => checkedLines(lines, role),
};

function guardedObservations(observations: readonly Observation[], { blame }: Guard): Observation[] {
  return observations.map((each) => guarded(each, blame));
}

function guardedStage(stage: Stage, blame: Blame): Stage {
  return {
    ...stage,
    resources: stage.resources.map((resource) => guarded(resource, blame)),
    ...(stage.gates && { gates: stage.gates.map((gate) => guarded(gate, blame)) }),
    ...(stage.proofs && { proofs: stage.proofs.map(({ on, gate }) => ({ on, gate: guarded(gate, blame) })) }),
    ...(stage.takesPart && { takesPart: (states) => blame(() => stage.takesPart?.(states) === true) }),
    ...(stage.byOne && { byOne: (states) => blame(() => stage.byOne?.(states) === true) }),
    ...(stage.startsFirst && { startsFirst: (view, start) => blame(() => stage.startsFirst?.(view, start)) }),
    ...(stage.unitGuard && { unitGuard: guardedUnitGuard(stage.unitGuard, blame) }),
  };
}

function guardedLeadership(leadership: Leadership, blame: Blame): Leadership {
  return {
    leads: (view, host) => blame(() => leadership.leads(view, host)),
    stays: (leader, restarted) => blame(() => leadership.stays(leader, restarted)),
  };
}

function guardedDiagnosis(diagnosis: Diagnosis, { role, blame, beside }: Guard): Diagnosis {
  const { name, asks, find } = diagnosis;
  return {
    ...diagnosis,
    ...(asks && { asks: (context) => blame(() => asks.call(diagnosis, beside(context))).map((each) => guarded(each, blame)) }),
    find: (examination) =>
      checkedFindings(
        blame(() => find.call(diagnosis, examination)),
        role,
        name,
      ),
  };
}

function guardedUnitGuard(guard: UnitGuard, blame: Blame): UnitGuard {
  return {
    asks: guard.asks.map((observation) => guarded(observation, blame)),
    objection: (view, move) => blame(() => guard.objection(view, move)),
  };
}
