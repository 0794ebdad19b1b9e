import { flagOf } from '../lib/flag.js';
import { operationLine } from '../lib/operation-line.js';
import { plainPgprov } from '../lib/pgprov-command.js';
import type { Inventory } from '../model/index.js';
import type { Operation } from '../plan/operation.js';

/** Commands of pgprov that no unfinished operation holds up: they change nothing of the cluster. */
const LOOKS =
  /^pgprov (?:status|plan|ping|doctor|logs|history|runs|show|validate|psql|ssh|snapshot|backups|backup verify|config (?!edit\b)|certs status)\b/u;

/** A command in a message, as the tag `pgprov` writes it. */
const COMMAND = /`(?<command>pgprov [^`]+)`/gu;

/**
 * Advice for an operation that is not finished: any other command that changes the cluster is refused until it is given up, or taken back where it
 * can be, so that comes before it, `` `pgprov restart i.yml --give-up && pgprov apply i.yml` ``. What goes on with it stays as it is, also with an
 * option that answers it, and so does what changes the cluster whose backups a clone reads.
 */
export function adviceBeside(
  { name, options }: Pick<Operation, 'name' | 'options'>,
  { file }: Pick<Inventory, 'file'>,
  advice: string,
  source?: string,
): string {
  const again = plainPgprov`${operationLine(name, file, source)}`;
  const back = Object.keys(options).find((option) => options[option]?.answers === 'takes-back');
  const giveUp = `${again} ${back === undefined ? '--give-up' : flagOf(back)}`;
  const answers = Object.keys(options).filter((option) => options[option]?.answers !== undefined);
  const own = [again, giveUp, ...answers.map((option) => `${again} ${flagOf(option)}`)];
  // A path is written as a shell needs it.
  const target = plainPgprov`${file}`.slice('pgprov '.length);
  const isElsewhere = (command: string): boolean => source !== undefined && !`${command} `.includes(` ${target} `);
  return advice.replaceAll(COMMAND, (written, command: string) =>
    LOOKS.test(command) || own.includes(command) || isElsewhere(command) ? written : `\`${giveUp} && ${command}\``,
  );
}
