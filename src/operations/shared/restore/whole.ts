import {
  asPgbackrest,
  BACKUP_TABLESPACES,
  command,
  localServer,
  sh,
  SOURCE_OPTION,
  type OperationObjection,
  type OperationStep,
  type Resource,
} from '../../../index.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { isUntouched, type RestoreRun } from './seen.js';
import { backedUp, takeBack } from './words.js';

const INSTEAD = 'begin with a backup without them (--backup), or use pgBackRest by hand';

function why(set: string): string {
  return `backup ${set} has tablespaces: they would be restored to the same paths, and what is there could not be kept`;
}

/** The backup has tablespaces, as far as hosts could tell. */
export function tablespaced({ view, inventory, options: { set } }: RestoreRun): OperationObjection[] {
  const found = inventory.hosts.flatMap(({ name }) => view.read(name, BACKUP_TABLESPACES) ?? []);
  return set === undefined || !found.includes(set) ? [] : [{ kind: 'refuse', message: why(set), hint: `nothing was changed; ${INSTEAD}` }];
}

/** Only pgBackRest's list of one backup tells of tablespaces, which would be restored to where they were: also those that were dropped since. */
export function wholeStep(run: RestoreRun): OperationStep[] {
  const { source, options, done } = run;
  const { member = '', set = '', repository = 1 } = options;
  if (!isUntouched(run) || done.has('whole')) return [];
  const ends = `nothing was changed, and ${takeBack(run)} ends this; then ${INSTEAD}`;
  return [
    {
      id: 'whole',
      title: `see that backup ${set} is of one data directory, without tablespaces`,
      on: [member],
      resources: ({ host, platform }) => {
        const asked = asPgbackrest(
          {
            stanza: stanzaOf(backedUp(run)),
            server: localServer(host, platform),
            ...(source === undefined ? {} : { more: sh`${SOURCE_OPTION}` }),
          },
          sh`${[`--repo=${repository}`, `--set=${set}`]} info`,
        );
        return [
          command({
            name: 'without-tablespaces',
            summary: `look for tablespaces in backup ${set}`,
            unless: sh`! ${asked} | grep -qx ' *tablespaces: *'`,
            run: sh`echo ${`${why(set)}; ${ends}`}
exit 1`,
          }) as Resource,
        ];
      },
    },
  ];
}
