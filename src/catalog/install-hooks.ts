import * as nodeModule from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../lib/package-root.js';
import * as hooks from './module-hooks.js';

/** Synchronous hooks, which Node has since 22.15; `register`, which came before, is being retired. */
type RegisterHooks = (hooks: Pick<typeof import('./module-hooks.js'), 'resolve' | 'load'>) => unknown;

let isInstalled = false;

/** Has modules below these directories, given by their real paths, loaded as modules of roles. */
export function installHooks(directories: readonly string[]): void {
  const data = {
    api: urlOf('index'),
    directories: directories.map((directory) => `${pathToFileURL(directory).href}/`),
  };
  const { registerHooks } = nodeModule as { registerHooks?: RegisterHooks };
  if (registerHooks === undefined) {
    nodeModule.register(urlOf('catalog/module-hooks'), { data });
    return;
  }
  hooks.initialize(data);
  if (!isInstalled) registerHooks(hooks);
  isInstalled = true;
}

/** URL of a module of the program that runs, which is built into few files, or runs from its sources. */
function urlOf(module: string): string {
  const built = pathToFileURL(join(packageRoot(), 'dist')).href;
  const isBuilt = import.meta.url.startsWith(`${built}/`);
  return isBuilt ? `${built}/src/${module}.js` : pathToFileURL(join(packageRoot(), 'src', `${module}.ts`)).href;
}
