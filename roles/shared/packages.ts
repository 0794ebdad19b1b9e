import {
  packages,
  type Host,
  type Installation,
  type Platform,
  type Resource,
  type RoleContext,
  type UnitPackage,
} from '../../src/index.js';
import { variablesIfAny } from './variables.js';

/** How long the host's own package manager, or somebody else's use of it, is waited for; empty where nothing says. */
export function lockTimeout(host: Host): { lockTimeout?: number } {
  const seconds = variablesIfAny(host, 'base')?.package_lock_timeout;
  return seconds === undefined ? {} : { lockTimeout: seconds };
}

/** What a role installs, waiting for the package manager as long as the host says. */
export function installation({ host }: Pick<RoleContext, 'host'>, what: Omit<Installation, 'lockTimeout'>): Installation {
  return { ...what, ...lockTimeout(host) };
}

/** Packages of the host's own package manager in a stage of their own, whose services do not start by themselves. */
export function installed(
  { host, platform }: Pick<RoleContext, 'host' | 'platform'>,
  options: { name: string; packages: readonly string[]; disable?: readonly string[] },
): Resource {
  return packages(platform.packageManager, { ...options, ...lockTimeout(host) });
}

/** The package that brings a service's unit, which is the first of those that its role installs. */
export function unitPackage({ packageManager: manager }: Platform, [name = '']: readonly string[]): UnitPackage {
  return { name, manager };
}
