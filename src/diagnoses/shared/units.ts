import {
  enabledHandle,
  serviceHandle,
  UNIT_HEALTH,
  type EnabledState,
  type Examination,
  type Host,
  type ServiceState,
  type UnitHealth,
} from '../../index.js';

/** A unit that a role sees to on a host. */
export interface WatchedUnit {
  unit: string;
  service?: ServiceState;
  /** Whether it starts at boot, where that is apart from its running. */
  boot?: EnabledState;
  health?: UnitHealth;
}

/** Units, without `.service`, that have the ports and protocols of a host's roles. */
export function unitsWithPorts(host: Host): string[] {
  return [...new Set([...host.ports, ...host.protocols].flatMap(({ units }) => units))].map((unit) => unit.replace(/\.service$/u, ''));
}

/** Those of them that a role sees to on this host. */
export function watchedUnits({ view }: Examination, host: Host): WatchedUnit[] {
  return unitsWithPorts(host).flatMap((unit) => {
    const service = view.read(host.name, serviceHandle(unit));
    const boot = view.read(host.name, enabledHandle(unit));
    if (service === undefined && boot === undefined) return [];
    const health = (view.read(host.name, UNIT_HEALTH) ?? []).find((one) => one.unit === unit);
    return [
      {
        unit,
        ...(service === undefined ? {} : { service }),
        ...(boot === undefined ? {} : { boot }),
        ...(health === undefined ? {} : { health }),
      },
    ];
  });
}

/** Whether a unit works now, as systemd has it. */
export function runs({ service, health }: WatchedUnit): boolean {
  return service?.active === 'active' || service?.active === 'reloading' || health?.active === 'active';
}

/** When a unit came into its present state, in milliseconds since 1970. */
export function stateSince({ now }: Examination, { health }: WatchedUnit): number | undefined {
  return health?.seconds === undefined ? undefined : now - Math.round(health.seconds * 1000);
}
