import { enumerate } from '../lib/enumerate.js';
import type { Platform } from '../platform/index.js';
import { packages } from '../resources/packages.js';
import { DEFAULT_LOCK_TIMEOUT } from '../resources/packages-state.js';
import type { Installation, Stage } from './role.js';

/** Title of a stage that installs these. */
export function installationTitle(whats: readonly string[]): string {
  return `install ${enumerate(whats)}`;
}

/**
 * One stage for what several roles install: one transaction, which is started, resolved and finished (triggers, caches) once.
 * `role` is the one that the stage and its packages are named after.
 */
export function installationStage(role: string, installations: readonly Installation[], manager: Platform['packageManager']): Stage {
  return {
    name: 'packages',
    title: installationTitle(installations.map(({ what }) => what)),
    crossing: 'independent',
    resources: [
      ...installations.flatMap(({ before = [] }) => before),
      packages(manager, {
        name: role,
        packages: [...new Set(installations.flatMap((installation) => installation.packages))],
        versions: Object.assign({}, ...installations.map(({ versions = {} }) => versions)) as Readonly<Record<string, string>>,
        disable: installations.flatMap(({ disable = [] }) => disable),
        lockTimeout: Math.max(...installations.map(({ lockTimeout = DEFAULT_LOCK_TIMEOUT }) => lockTimeout)),
      }),
    ],
  };
}
