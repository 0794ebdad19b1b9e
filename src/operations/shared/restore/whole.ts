import { asPgbackrest, command, localServer, sh, SOURCE_OPTION, type OperationStep, type Resource } from '../../../index.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { isUntouched, type RestoreRun } from './seen.js';
import { backedUp, takeBack } from './words.js';

/** Only pgBackRest's list of one backup tells of tablespaces, which would be restored to where they were: also those that were dropped since. */
export function wholeStep(run: RestoreRun): OperationStep[] {
  const { source, options, done } = run;
  const { member = '', set = '', repository = 1 } = options;
  if (!isUntouched(run) || done.has('whole')) return [];
  const why = `backup ${set} has tablespaces: they would be restored to the same paths, and what is there could not be kept`;
  const ends = `nothing was changed, and ${takeBack(run)} ends this; then begin with a backup without them (--backup), or use pgBackRest by hand`;
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
            run: sh`echo ${`${why}; ${ends}`}
exit 1`,
          }) as Resource,
        ];
      },
    },
  ];
}
