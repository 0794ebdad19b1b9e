import * as nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import * as hooks from './module-hooks.js';

/** Synchronous hooks, which Node has since 22.15; `register`, which came before, is being retired. */
type RegisterHooks = (hooks: Pick<typeof import('./module-hooks.js'), 'resolve' | 'load'>) => unknown;

let isInstalled = false;

/** Has modules below these directories, given by their real paths, loaded as modules of roles. */
export function installHooks(directories: readonly string[]): void {
  const data = {
    api: new URL('../index.js', import.meta.url).href,
    directories: directories.map((directory) => `${pathToFileURL(directory).href}/`),
  };
  const { registerHooks } = nodeModule as { registerHooks?: RegisterHooks };
  if (registerHooks === undefined) {
    nodeModule.register('./module-hooks.js', import.meta.url, { data });
    return;
  }
  hooks.initialize(data);
  if (!isInstalled) registerHooks(hooks);
  isInstalled = true;
}
