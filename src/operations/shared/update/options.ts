import {
  PACKAGES_FETCHED,
  runningProgramHandle,
  topologyOf,
  type FetchedState,
  type Host,
  type Inventory,
  type OperationRun,
  type OperationStart,
  type RunningProgram,
  type Versions,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import type { PausesPools } from '../pause-pools.js';
import { packagesToHold } from '../../../../roles/shared/programs.js';
import { hasPatroni } from '../servers.js';

/** Options of `pgprov update`, and what it has chosen. */
export interface UpdateOptions extends PausesPools {
  /** Roles whose programs are updated, comma-separated; default: all of them. */
  packages?: string;
  /** The version, of PostgreSQL or of the one program that `packages` names. */
  to?: string;
  /** Chosen before the first step: the packages of each host, by role, with the versions that they are to have. */
  targets?: Readonly<Record<string, Readonly<Record<string, Versions>>>>;
  /** Chosen before the first step: what each host had of those that change. */
  former?: Readonly<Record<string, Versions>>;
}

export type UpdateStart = OperationStart<UpdateOptions>;
export type UpdateRun = OperationRun<UpdateOptions>;

/** The roles whose programs can be updated, in the order in which they are restarted on a host. */
export function updatableRoles(inventory: Inventory): string[] {
  return hasPatroni(inventory) ? [dcsOf(inventory).role, 'patroni', 'postgresql'] : ['postgresql'];
}

/** A role's program, in words. */
export function titleOf(inventory: Inventory, role: string): string {
  return role === 'postgresql' ? 'PostgreSQL' : role === 'patroni' ? 'Patroni' : dcsOf(inventory).name;
}

/** The roles whose programs are updated. */
export function chosenRoles({ options: { packages, to }, inventory }: Pick<UpdateStart, 'options' | 'inventory'>): string[] {
  const all = updatableRoles(inventory);
  if (packages === undefined) return to === undefined ? all : ['postgresql'];
  const given = packages.split(',').map((name) => name.trim());
  return all.filter((role) => given.includes(role));
}

/** Those of them that a host has, the program of PostgreSQL where it is one of several. */
export function rolesOn(start: Pick<UpdateStart, 'options' | 'inventory'>, host: Host): string[] {
  return chosenRoles(start).filter((role) => hasProgram(start.inventory, host, role));
}

/** The hosts that have a program which can be updated. */
export function updatableHosts(inventory: Inventory): Host[] {
  return inventory.hosts.filter((host) => updatableRoles(inventory).some((role) => hasProgram(inventory, host, role)));
}

function hasProgram(inventory: Inventory, host: Host, role: string): boolean {
  if (role === dcsOf(inventory).role) return host.roles.includes(role);
  if (topologyOf(host) === 'patroni') return true;
  return role === 'postgresql' && host.roles.includes(role) && !hasPatroni(inventory);
}

/** What a host has of a role's program. */
export function programOn({ view }: Pick<UpdateRun, 'view'>, host: string, role: string): RunningProgram | undefined {
  return view.read(host, runningProgramHandle(role));
}

/** What a host has fetched. */
export function fetchedOn({ view }: Pick<UpdateRun, 'view'>, host: string): FetchedState | undefined {
  return view.read(host, PACKAGES_FETCHED);
}

/** All packages of a host with the versions that they are to have. */
export function targetsOf({ options: { targets } }: Pick<UpdateRun, 'options'>, host: string): Versions {
  return Object.assign({}, ...Object.values(targets?.[host] ?? {})) as Versions;
}

/** What a host had of the packages that change. */
export function formerOf({ options: { former } }: Pick<UpdateRun, 'options'>, host: string): Versions {
  return former?.[host] ?? {};
}

/** Packages of a host that are not in these versions yet, or not wholly. */
export function missing(run: UpdateRun, host: string, versions: Versions): string[] {
  const roles = Object.keys(run.options.targets?.[host] ?? {});
  const installed = Object.assign({}, ...roles.map((role) => programOn(run, host, role)?.installed ?? {})) as Versions;
  return Object.keys(versions).filter((name) => installed[name] !== versions[name]);
}

/** Packages that the update is about and that are to be on hold, as the inventory says. */
export function toHold(run: UpdateRun, host: string): string[] {
  return Object.keys(run.options.targets?.[host] ?? {}).flatMap((role) => packagesToHold(run.contextOf(host), role));
}

/** Those of them that are not. */
export function notHeld(run: UpdateRun, host: string): string[] {
  const held = Object.keys(run.options.targets?.[host] ?? {}).flatMap((role) => programOn(run, host, role)?.held ?? []);
  return toHold(run, host).filter((name) => !held.includes(name));
}

/** Whether the packages that a host had are kept there, so that it can go back to them. */
export function canGoBack(run: UpdateRun, host: string): boolean {
  const kept = fetchedOn(run, host)?.kept ?? [];
  return Object.keys(formerOf(run, host)).every((name) => kept.includes(name));
}

/** `postgresql-17 17.5-1 → 17.6-1` for each of them. */
export function changeWords(from: Versions, to: Versions, names: readonly string[]): string[] {
  return names.map((name) => `${name} ${from[name] ?? ''} → ${to[name] ?? ''}`);
}

/** Hosts that have the role patroni, by their names. */
export function memberNames(inventory: Inventory): string[] {
  return hostsWith(inventory, 'patroni').map(({ name }) => name);
}
