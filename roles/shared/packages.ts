import { packages, type Host, type Installation, type Resource, type RoleContext } from '../../src/index.js';
import { variables } from './variables.js';

/** How long the host's own package manager, or somebody else's use of it, is waited for; empty where nothing says. */
export function lockTimeout(host: Host): { lockTimeout?: number } {
  const { package_lock_timeout: seconds } = variables(host, 'base') as { package_lock_timeout?: number };
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
