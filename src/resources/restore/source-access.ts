import { reveal, type Secret } from '../../lib/secret.js';
import { command } from '../command.js';
import { directory } from '../files/directory.js';
import { file } from '../files/file.js';
import { handle } from '../handle.js';
import { answerText, type Observation, type Resource } from '../resource.js';
import { clearScratch, scratchDirectory } from '../scratch.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';

/** Where a host has what lets pgBackRest read the backups of another cluster, while it restores one. */
export const SOURCE_DIRECTORY = '/var/lib/pgprov/source';

/** The files in it. */
export const SOURCE_FILES = { config: 'pgbackrest.conf', ca: 'ca.crt', certificate: 'client.crt', key: 'client.key' } as const;

/** What pgBackRest needs to read another cluster's backups. */
export interface SourceAccess {
  /** By their names in the directory, those of `SOURCE_FILES`. */
  files: readonly { name: string; content: string | Secret }[];
  owner: string;
  group: string;
  /** The numbers of the repositories that are reached with the certificate. */
  overTls: readonly number[];
}

/** Whether the host has it: the observation's id. */
export const SOURCE_ACCESS = handle<{ present: boolean }>('source-access');

/** Whether the host can read another cluster's backups. */
export function sourceAccess(): Observation<{ present: boolean }> {
  return {
    ...SOURCE_ACCESS,
    probe: () => sh`[ ! -e ${SOURCE_DIRECTORY} ] || echo present`,
    parse: (answer) => ({ present: answerText(answer).trim() === 'present' }),
  };
}

/** The host can read them, until `accessRemoved`. */
export function accessPlaced({ files, owner, group }: SourceAccess): Resource[] {
  return [
    directory({ path: SOURCE_DIRECTORY, owner, group, mode: '0700' }) as Resource,
    ...files.map(({ name, content }) => file({ path: `${SOURCE_DIRECTORY}/${name}`, owner, group, mode: '0600', content })),
  ];
}

/** The host cannot read them any more. */
export function accessRemoved(): Resource {
  return command({
    name: 'source-access-removed',
    summary: `remove ${SOURCE_DIRECTORY}`,
    unless: sh`[ ! -e ${SOURCE_DIRECTORY} ]`,
    run: sh`rm -rf ${SOURCE_DIRECTORY}`,
  }) as Resource;
}

/** pgBackRest's option for the configuration that `accessPlaced` has brought. */
export const SOURCE_OPTION = `--config=${SOURCE_DIRECTORY}/${SOURCE_FILES.config}`;

const PURPOSE = 'source';

/** pgBackRest's options in a probe of `throughAccess`. */
export function probingOptions({ overTls }: SourceAccess): Script {
  const own = overTls.map((number) =>
    joinScripts(
      [
        sh`${`--repo${number}-host-ca-file=`}"$scratch"/${SOURCE_FILES.ca}`,
        sh`${`--repo${number}-host-cert-file=`}"$scratch"/${SOURCE_FILES.certificate}`,
        sh`${`--repo${number}-host-key-file=`}"$scratch"/${SOURCE_FILES.key}`,
      ],
      ' ',
    ),
  );
  return joinScripts([sh`--config="$scratch"/${SOURCE_FILES.config}`, ...own], ' ');
}

/** Asks pgBackRest of another cluster's backups, with files that are gone when it has answered. */
export function throughAccess<State>({ files, owner, group }: SourceAccess, asks: Observation<State>): Observation<State> {
  return {
    ...asks,
    probe: () =>
      joinScripts([
        clearScratch(PURPOSE),
        scratchDirectory(PURPOSE),
        sh`umask 077`,
        ...files.map(({ name, content }) => sh`printf %s ${reveal(content)} >"$scratch"/${name}`),
        sh`chown -R ${`${owner}:${group}`} "$scratch"`,
        asks.probe(),
      ]),
  };
}
