import { plainPgprov } from '../lib/pgprov-command.js';
import type { Inventory } from '../model/index.js';

/** Commands of pgprov that no unfinished operation holds up: they change nothing of the cluster. */
const LOOKS = /^pgprov (?:status|plan|ping|doctor|logs|history|runs|show|validate|psql|ssh|snapshot|config (?!edit\b)|certs status)\b/u;

/** A command in a message, as the tag `pgprov` writes it. */
const COMMAND = /`(?<command>pgprov [^`]+)`/gu;

/**
 * Advice for an operation that is not finished: any other command that changes the cluster is refused until it is given up, so that comes
 * before it, `` `pgprov restart i.yml --give-up && pgprov apply i.yml` ``.
 */
export function adviceBeside(operation: string, inventory: Inventory, advice: string): string {
  const again = plainPgprov`${operation.split(' ')} ${inventory}`;
  const giveUp = `${again} --give-up`;
  return advice.replaceAll(COMMAND, (written, command: string) =>
    LOOKS.test(command) || [again, giveUp].includes(command) ? written : `\`${giveUp} && ${command}\``,
  );
}
