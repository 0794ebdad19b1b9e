import type { Role, Stage } from '../../plan/role.js';
import type { Gate } from '../../resources/resource.js';

/** The roles whose services have certificates. */
export const CERTIFICATE_ROLES: readonly string[] = ['etcd', 'patroni'];

/** The roles, telling what they know of certificates as well. */
export function inspecting(catalog: readonly Role[]): Role[] {
  return catalog.map((role) => ({
    ...role,
    observations: (context) => [...(role.observations?.(context) ?? []), ...(role.inspections?.(context) ?? [])],
  }));
}

/**
 * The roles, bringing their certificates to all hosts side by side: where expired certificates have cost etcd its quorum, no
 * member can work before the others have theirs, and until then all complain of each other.
 */
export function allAtOnce(catalog: readonly Role[]): Role[] {
  return catalog.map(({ checks: _checks, install: _install, ...role }) => ({
    ...role,
    stages: (context) => (CERTIFICATE_ROLES.includes(role.name) ? role.stages(context).filter(hasProofs).map(sideBySide) : []),
  }));
}

/** Stages with proofs are those that change certificates. */
function hasProofs({ proofs }: Stage): boolean {
  return proofs !== undefined;
}

function sideBySide({ name, title, resources, gates = [] }: Stage): Stage {
  const patient = gates.map((gate): Gate => ({ ...gate, wait: () => gate.wait({ patient: true }) }));
  return { name, title, resources, crossing: 'independent', gates: patient };
}
