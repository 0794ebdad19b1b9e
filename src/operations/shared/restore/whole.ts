import {
  asPgbackrest,
  BACKUP_MANIFESTS,
  command,
  localServer,
  pgprov,
  sh,
  SOURCE_OPTION,
  type OperationObjection,
  type OperationStep,
  type Resource,
} from '../../../index.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { isUntouched, type RestoreRun } from './seen.js';
import { backedUp, takeBack } from './words.js';

function tablespaces(set: string): string {
  return `backup ${set} has tablespaces: they would be restored to the same paths, and what is there could not be kept`;
}

function unreadable(set: string): string {
  return `backup ${set} cannot be restored: its manifest is not there, or is damaged`;
}

const INSTEAD = 'begin with a backup without them (--backup), or use pgBackRest by hand';

/** A backup that no restore can begin with, as far as hosts could tell. */
export function unfit(run: RestoreRun): OperationObjection[] {
  const { view, inventory, options } = run;
  const { set = '' } = options;
  const found = inventory.hosts.flatMap(({ name }) => view.read(name, BACKUP_MANIFESTS) ?? []);
  const refuse = (message: string, hint: string): OperationObjection[] => [
    { kind: 'refuse', message, hint: `nothing was changed; ${hint}` },
  ];
  if (found.some((told) => told.tablespaces.includes(set))) return refuse(tablespaces(set), INSTEAD);
  if (found.some((told) => told.unreadable.includes(set))) return refuse(unreadable(set), otherBackup(run));
  return [];
}

function otherBackup(run: RestoreRun): string {
  return `begin with another backup (--backup); ${pgprov`backup verify ${backedUp(run)}`} says which are whole`;
}

/**
 * Only pgBackRest's list of one backup tells whether its manifest can be read, and of tablespaces, which would be restored to where they were: also
 * those that were dropped since.
 */
export function wholeStep(run: RestoreRun): OperationStep[] {
  const { source, options, done } = run;
  const { member = '', set = '', repository = 1 } = options;
  if (!isUntouched(run) || done.has('whole')) return [];
  const ends = `nothing was changed, and ${takeBack(run)} ends this; then`;
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
            unless: sh`told=$(${asked})
case "$told" in *' tablespaces:'*) exit 1 ;; *" backup: "${set}*) ;; *) exit 1 ;; esac`,
            run: sh`case "$(${asked})" in *' tablespaces:'*) echo ${`${tablespaces(set)}; ${ends} ${INSTEAD}`} ;; *) echo ${`${unreadable(set)}; ${ends} ${otherBackup(run)}`} ;; esac
exit 1`,
          }) as Resource,
        ];
      },
    },
  ];
}
