import { enumerate, formatBytes, localServer, pgprov, PRIVATE_SOCKET, type Inventory } from '../../../index.js';
import { placeOf, type RestoreRun } from './seen.js';

/** The command that goes on with it. */
export function goOn({ inventory, source }: Pick<RestoreRun, 'inventory' | 'source'>): string {
  return source === undefined ? pgprov`restore ${inventory}` : pgprov`clone ${source.inventory} --into ${inventory}`;
}

/** The command that takes it back. */
export function takeBack({ inventory, source }: Pick<RestoreRun, 'inventory' | 'source'>): string {
  return source === undefined ? pgprov`restore ${inventory} --undo` : pgprov`clone ${source.inventory} --into ${inventory} --undo`;
}

/** The cluster whose backups are restored. */
export function backedUp({ inventory, source }: Pick<RestoreRun, 'inventory' | 'source'>): Inventory {
  return source?.inventory ?? inventory;
}

/** How a person looks at the restored data before clients do: a command for root on the member. */
export function privatelyAt({ options: { member = '' }, contextOf }: RestoreRun): string {
  const { host, platform } = contextOf(member);
  const { user, port, superuser } = localServer(host, platform);
  const login = superuser === undefined ? '' : ` -U ${superuser}`;
  return `as root on ${member}, \`runuser -u ${user} -- psql -h ${PRIVATE_SOCKET} -p ${port}${login} postgres\``;
}

/** What the recovery has reached, as a clause. */
export function reachedWords(run: RestoreRun): string {
  const { said, timeline, databases } = placeOf(run);
  const find = (pattern: RegExp): string | undefined =>
    said.map((line) => pattern.exec(line)?.[1]).findLast((found) => found !== undefined);
  const stopped = find(/recovery stopping (.*)$/u);
  const last = find(/last completed transaction was at log time (.*)$/u);
  return [
    `PostgreSQL has ended its recovery on ${run.options.member}${timeline === undefined ? '' : `, on timeline ${timeline}`}`,
    ...(stopped === undefined ? [] : [`it stopped ${stopped}`]),
    ...(last === undefined ? [] : [`the last commit in it is of ${last}`]),
    ...(databases.length === 0 ? [] : [`it has ${enumerate(databases.map(({ name, bytes }) => `${name} (${formatBytes(bytes)})`))}`]),
  ].join('; ');
}
