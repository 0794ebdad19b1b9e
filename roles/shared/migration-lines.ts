import { markOf, MIGRATION_COPIES, pgprov, type Host, type MigrationCopy, type StatusLine, type View } from '../../src/index.js';

/** Stands for the file of the other cluster’s inventory, which no host knows. */
const OTHER = 'OLD.yml';

/** Databases that a migration has brought and whose clients are not moved yet, or that it has closed, each with the command that goes on. */
export function migrationLines(view: View, host: Host): StatusLine[] {
  return (view.read(host.name, MIGRATION_COPIES) ?? []).flatMap((copy) => {
    const [, , stage] = copy.mark.split(' ');
    return stage === undefined ? [] : copyLine(view, copy);
  });
}

function copyLine({ inventory }: View, { database, mark, subscription, tables }: MigrationCopy): StatusLine[] {
  const noted = markOf({ mark });
  // In the other cluster the second word says that it is closed.
  if (noted?.identifier === 'closed') return [{ text: `the database ${database} lets no clients in: a migration has closed it` }];
  const of = noted?.cluster === undefined ? 'another cluster' : noted.cluster;
  const again = pgprov`migrate ${OTHER} --into ${inventory}`;
  const which = `where ${OTHER} is the inventory of ${of}`;
  const back = pgprov`migrate ${OTHER} --into ${inventory} --undo`;
  if (noted?.moved === true)
    return subscription === undefined
      ? []
      : [
          {
            level: 'warning',
            text: `clients were moved to the database ${database}, and its subscription is left; ${again}, ${which}, finishes it`,
          },
        ];
  const copy = `the database ${database} is a copy of that of ${of}`;
  if (subscription === undefined)
    return [
      { level: 'warning', text: `${copy} that was begun and follows nothing; ${again}, ${which}, goes on, and ${back} takes it back` },
    ];
  if (tables !== undefined && tables.left > 0)
    return [{ text: `${copy}, with ${tables.all - tables.left} of ${tables.all} tables copied; ${again}, ${which}, waits for the others` }];
  if (!subscription.enabled || !subscription.receives)
    return [
      {
        level: 'warning',
        text: `${copy} and ${subscription.enabled ? 'receives nothing now' : 'its subscription is disabled'}; ${again}, ${which}, says what is in the way`,
      },
    ];
  const heard = subscription.heardSeconds === undefined ? '' : `, last heard ${Math.round(subscription.heardSeconds)} s ago`;
  const moves = pgprov`migrate ${OTHER} --into ${inventory} --switch`;
  return [{ text: `${copy} and follows it${heard}; ${moves}, ${which}, moves clients over, and ${back} takes it back` }];
}
