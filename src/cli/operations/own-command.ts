import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { InputError } from '../../lib/errors.js';
import { didYouMean } from '../../lib/nearest.js';
import type { Operation } from '../../plan/operation.js';
import type { SetExit } from '../action.js';
import { withHosts } from '../command-options.js';
import { helpText } from '../help-text.js';
import { withEveryOption, withOwnOptions } from './command.js';
import type { OperateCommandOptions } from './operate.js';
import { OPERATE } from './option-words.js';
import type { Reserved } from './own.js';

const HELP = `
NAME is a file in the directory operations of the inventory's rolesPath; the options of the operation itself are shown by \`pgprov operate NAME
INVENTORY --help\`, and \`pgprov operations --inventory FILE\` lists the operations there are.`;

/**
 * The command for operations of a user's own, whose options are known only when the inventory has said where they are.
 * @param words the whole command line, which is read again when the operation is known
 */
export function addOwnOperationCommand(program: Command, setExit: SetExit, words: readonly string[]): void {
  const command = withHosts(withEveryOption(program.command(OPERATE).argument('[name]', 'operation of your own'), {}));
  command
    .description('carry out an operation of your own, from the directory operations of rolesPath')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .option('-h, --help', 'display help for command, with NAME and INVENTORY for that operation')
    .addHelpText('after', helpText(HELP))
    .action(async (_name: string | undefined, _inventory: string | undefined, given: OperateCommandOptions & { help?: true }) => {
      const place = placeOf(command.args);
      if (given.help === true && place.inventory === undefined && given.vagrant === undefined && given.sshConfig === undefined) {
        command.outputHelp();
        return;
      }
      await carryOut(place, { program, given, setExit, words });
    });
}

/** The operation and the inventory that a command line means. */
interface Place {
  name: string | undefined;
  inventory: string | undefined;
}

/**
 * Finds them among words of which some are options that nobody knows yet, or their values.
 * @param args all words that are no options of every operation, nor values of these
 */
function placeOf(args: readonly string[]): Place {
  const [first, ...rest] = args;
  const name = first?.startsWith('-') === true ? undefined : first;
  const [next] = rest;
  if (next === undefined || !next.startsWith('-')) return { name, inventory: next };
  return { name, inventory: rest.filter((word) => !word.startsWith('-') && existsSync(word)).at(-1) };
}

interface Line {
  program: Command;
  given: OperateCommandOptions & { help?: true };
  setExit: SetExit;
  words: readonly string[];
}

async function carryOut({ name, inventory }: Place, { program, given, setExit, words }: Line): Promise<void> {
  if (name === undefined)
    throw new InputError({
      kind: 'cli/no-operation',
      message: 'no operation named',
      hint: `give the name of one and then the inventory: \`pgprov ${OPERATE} NAME INVENTORY\`; \`pgprov operations --inventory FILE\` lists them`,
    });
  const { locate } = await import('../locate.js');
  const { file, options: located } = await locate(inventory, given, false);
  const { giveUpOperation, runOperation } = await import('./operate.js');
  if (given.giveUp === true && given.help !== true) return setExit(await giveUpOperation(`${OPERATE} ${name}`, file, located));
  const { readNames } = await import('../../model/index.js');
  const { ownOperations } = await import('./own.js');
  const { rolesPath } = await readNames(file);
  const operation = find(await ownOperations(rolesPath, reservedBy(program)), name, { file, commands: commandNames(program) });
  const known = new Command(program.name()).copyInheritedSettings(program).option('--debug', 'print stack traces of unexpected errors');
  const own = withOwnOptions(withEveryOption(known.command(OPERATE).argument('<name>', 'this operation'), operation), operation);
  own.usage(`${name} [inventory] [options]`).action(async (_name: string, again: string | undefined, options: OperateCommandOptions) => {
    if (again !== inventory)
      throw new InputError({
        kind: 'cli/inventory-place',
        message: `${inventory ?? 'nothing'} was taken for the inventory, and with the options of ${name} it is ${again ?? 'nothing'}`,
        hint: `give the inventory right after the name: \`pgprov ${OPERATE} ${name} INVENTORY\``,
      });
    setExit(await runOperation(operation, file, { ...options, ...(located.lab === undefined ? {} : { lab: located.lab }) }));
  });
  await known.parseAsync([...words], { from: 'user' });
}

function find(
  operations: readonly Operation[],
  name: string,
  { file, commands }: { file: string; commands: readonly string[] },
): Operation {
  const found = operations.find((operation) => operation.name === `${OPERATE} ${name}`);
  if (found !== undefined) return found;
  const names = operations.map((operation) => operation.name.slice(OPERATE.length + 1));
  const there = names.length === 0 ? 'its rolesPath has no operations/NAME.ts' : `its operations are ${names.join(', ')}`;
  throw new InputError({
    kind: 'operation/unknown',
    message: `${file} has no operation ${JSON.stringify(name)} of its own`,
    hint: commands.includes(name) ? `\`pgprov ${name}\` comes with pgprov` : (didYouMean(name, names) ?? there),
  });
}

/** What a user's operation must not be called, and which options it must not have. */
export function reservedBy(command: Command): Reserved {
  const every = withHosts(withEveryOption(new Command(), {})).option('--debug').option('--help').option('--version');
  const options = [...every.options.map((option) => option.attributeName()), 'role', 'skipRole'];
  return { commands: commandNames(command), options };
}

function commandNames(command: Command): string[] {
  if (command.parent !== null) return commandNames(command.parent);
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => each.name());
}
