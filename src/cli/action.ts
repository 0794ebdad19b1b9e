import type { ExitCode } from '../lib/errors.js';
import type { SelectionFlags, CommonOptions } from './options.js';

/** How a command tells the exit code that it ends with: one of ours, or that of the program that it runs. */
export type SetExit = (code: number) => void;

/** What a command does with its inventory. */
type OnInventory<Options> = (file: string, options: Options) => Promise<ExitCode>;

type Action<Options> = (inventory: string | undefined, options: Options) => Promise<void>;

/**
 * The action of a command with an inventory, which is found first: the file that is named, or that of a lab.
 * @param load loads the command's module, so that `--help` stays fast
 */
export function onInventory<Options extends CommonOptions & SelectionFlags>(
  setExit: SetExit,
  load: () => Promise<OnInventory<Options>>,
): Action<Options> {
  return actionOf(setExit, load, false);
}

/** The same for a command that, unless it is told which hosts, takes only those of a lab that are up. */
export function onRunningHosts<Options extends CommonOptions & SelectionFlags>(
  setExit: SetExit,
  load: () => Promise<OnInventory<Options>>,
): Action<Options> {
  return actionOf(setExit, load, true);
}

function actionOf<Options extends CommonOptions & SelectionFlags>(
  setExit: SetExit,
  load: () => Promise<OnInventory<Options>>,
  aims: boolean,
): Action<Options> {
  return async (inventory, given) => {
    const { locate } = await import('./locate.js');
    const { file, options } = await locate(inventory, given, aims);
    setExit(await (await load())(file, options));
  };
}
