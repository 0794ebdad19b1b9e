import { Option, type Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { withHosts, withInventory, withOutput, withPasswords, withReport, withTimings } from '../command-options.js';
import { choiceOption, wholeNumber } from '../option-values.js';
import { wrongValue } from '../usage-error.js';
import { flagOf } from '../../lib/flag.js';
import type { OptionSchema } from '../../plan/operation.js';
import { HEADS, type OperationHead } from './heads.js';
import type { OperateCommandOptions } from './operate.js';
import { takenBackBy } from './taken-back.js';

/**
 * A command for each operation of one word, from what it says of itself, which has those of two words below it that begin with its own;
 * their modules are loaded when one of them runs.
 */
export function addOperationCommands(program: Command, setExit: SetExit): void {
  for (const head of HEADS) if (!head.name.includes(' ')) addOperationsOf(addOperation(program, head.name, head, setExit), setExit);
}

/** The same for operations whose first word is a group of commands: `certs renew` is the command `renew` of the group `certs`. */
export function addOperationsOf(group: Command, setExit: SetExit): void {
  const prefix = `${group.name()} `;
  for (const head of HEADS) if (head.name.startsWith(prefix)) addOperation(group, head.name.slice(prefix.length), head, setExit);
}

function addOperation(parent: Command, word: string, head: OperationHead, setExit: SetExit): Command {
  const { name, argument } = head;
  const own = parent.command(word);
  if (argument !== undefined) own.argument(`<${argument.name}>`, argument.description);
  const command = withOwnOptions(withEveryOption(own, head), head);
  const run = (inventory: string | undefined, given: OperateCommandOptions): Promise<void> =>
    onInventory<OperateCommandOptions>(setExit, async () => {
      const { operationNamed, runOperation, runWithSource } = await import('./operate.js');
      return (file, located) => (head.takesSource === true ? runWithSource : runOperation)(operationNamed(name), file, located);
    })(inventory, given);
  if (argument === undefined) command.action(run);
  else
    command.action((value: string, inventory: string | undefined, given: OperateCommandOptions) =>
      run(inventory, { ...given, [argument.name]: value }),
    );
  return command;
}

/** The inventory, and the options that every operation has, `--give-up` where it is not taken back instead. */
export function withEveryOption(
  command: Command,
  { keptInStore, changesNothing, options = {} }: Partial<Pick<OperationHead, 'keptInStore' | 'changesNothing' | 'options'>>,
): Command {
  withReport(withTimings(withPasswords(withOutput(withInventory(command)))));
  if (changesNothing === true) return command;
  command.option('--check', 'change nothing, show the steps and what clients notice of each').option('-y, --yes', 'do not ask');
  if (keptInStore === true) return command;
  command.option('--resume', 'only resume the operation that was begun and is not finished, with the options it was begun with');
  if (takenBackBy({ options }) !== undefined) return command;
  return command.addOption(
    new Option('--give-up', 'forget the unfinished operation; the cluster stays as it is').conflicts(['check', 'resume']),
  );
}

/** What an operation says of itself, and the options that are its own. */
export function withOwnOptions(command: Command, { description, options, takesSource, choosesHosts }: OperationHead): Command {
  command.description(description);
  if (takesSource === true) command.requiredOption('--into <file>', 'inventory file of the cluster that is changed');
  if (choosesHosts === true) withHosts(command);
  for (const [option, schema] of Object.entries(options)) command.addOption(optionOf(option, schema));
  return command;
}

function optionOf(name: string, schema: OptionSchema): Option {
  const { type, description, value = type } = schema;
  // Commander is not told the default: it would give it as if it had been typed, which contradicts what an unfinished operation was begun with.
  const said = schema.default === undefined ? description : `${description} (default: ${JSON.stringify(schema.default)})`;
  const flag = flagOf(name);
  const flags = type === 'boolean' ? flag : `${flag} <${value}>`;
  if (schema.enum !== undefined) return choiceOption(flags, said, schema.enum);
  const option = new Option(flags, said);
  return type === 'boolean' ? option : option.argParser(readerOf(flag, schema));
}

function readerOf(flag: string, { type, pattern, minimum, expects }: OptionSchema): (text: string) => string | number {
  if (type === 'integer') {
    const from = minimum === undefined ? '' : ` from ${minimum} on`;
    return wholeNumber(flag, `give a whole number${from}`, { minimum: minimum ?? Number.MIN_SAFE_INTEGER });
  }
  const expression = new RegExp(`^(?:${pattern ?? '[^]*'})$`, 'u');
  return (text) => {
    if (expression.test(text)) return text;
    throw wrongValue(flag, text, 'cannot be read', `give ${expects ?? `something like ${pattern}`}`);
  };
}
