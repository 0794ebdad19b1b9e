import { markOwn } from '../data-directory.js';
import { writeFileScript } from '../files/writing.js';
import { gate } from '../gate.js';
import { handle } from '../handle.js';
import { memberProgress } from '../member-progress.js';
import { asDatabaseUser, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Gate, type Observation, type Resource } from '../resource.js';
import { findUnit, unitsQuestion } from '../units.js';
import { printAnswer } from '../shared-question.js';
import { SYNCHRONOUS_FILE } from './synchronous.js';
import { halfTablespacesAside, tablespacesKept, tablespacesNoted } from './tablespaces.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';

/** The transient unit in which the data of a standby is copied, of which a host may have several: it goes on when pgprov is cut off. */
export function copyingUnit(path: string): string {
  return `pgprov-copy-${nameOf(path)}`;
}

/** Where a host notes that a standby is being made there, from before the copy until the standby has streamed. */
function noteOf(path: string): string {
  return `/var/lib/pgprov/standby/${nameOf(path)}.joining`;
}

/** Where the script lies that the unit runs; systemd would read variables in a command's words. */
function scriptOf(path: string): string {
  return `/run/${copyingUnit(path)}.sh`;
}

/** A path as part of the name of a unit, as systemd writes it. */
function nameOf(path: string): string {
  const plain = path.replace(/\/+/gu, '/').replace(/^\/|\/$/gu, '');
  return plain.replace(/[^A-Za-z0-9_.]/gu, (character) =>
    character === '/' ? '-' : [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

/** How far a host is on its way to a standby. */
export interface StandbyCopyState {
  /** pgprov has begun to make a standby there, which has not streamed yet. */
  joining: boolean;
  /** The copy is under way. */
  copying: boolean;
  /** The data directory has its data. */
  copied: boolean;
}

/** What is seen of a standby's copy. */
export const STANDBY_COPY = handle<StandbyCopyState>('standby-copy');

/** Where a standby's data is copied to, and what from. */
export interface StandbyCopyOptions {
  path: string;
  server: LocalServer;
  group: string;
  /** libpq's words for the server that is copied; the password is in its passfile. */
  conninfo: string;
  /** The physical slot that keeps the WAL from the copy on; undefined: none does. */
  slot: string | undefined;
}

/** The copy is made beside the data directory, and becomes that once it is whole and says that it is a standby's. */
export const draftOf = (path: string): string => `${path}.pgprov-copy`;

/** How far the host is on its way to a standby. */
export function standbyCopy(path: string): Observation<StandbyCopyState> {
  const units = unitsQuestion(copyingUnit(path));
  return {
    ...STANDBY_COPY,
    sharedQuestions: [units],
    probe: () => sh`${printAnswer(units)}
echo
[ ! -e ${noteOf(path)} ] || echo @joining
[ ! -e ${`${path}/PG_VERSION`} ] || echo @copied`,
    parse: (answer) => {
      const text = answerText(answer);
      const lines = text.split('\n');
      const { active } = findUnit(text, copyingUnit(path));
      return {
        joining: lines.includes('@joining'),
        copying: active === 'active' || active === 'activating',
        copied: lines.includes('@copied'),
      };
    },
  };
}

/** Where the tablespaces of a server are, which pg_basebackup fills on the standby as well. */
const LOCATIONS = "select location from pg_tablespace, pg_tablespace_location(oid) location where location like '/%'";

/** Copies the primary into the draft, which is empty. */
export function baseBackup({ path, server, conninfo, slot }: Omit<StandbyCopyOptions, 'group'>): Script {
  const words = [
    '--no-password',
    '-D',
    draftOf(path),
    '-d',
    conninfo,
    '-X',
    'stream',
    '-c',
    'fast',
    ...(slot === undefined ? [] : ['-S', slot]),
  ];
  const ask = ['-XAt', '-d', `${conninfo} dbname=postgres`, '-c', LOCATIONS];
  return joinScripts([
    tablespacesNoted(path, asDatabaseUser(server, sh`${`${server.binDirectory}/psql`} ${ask} </dev/null`)),
    asDatabaseUser(server, sh`${`${server.binDirectory}/pg_basebackup`} ${words}`),
  ]);
}

/** Makes an empty draft for the database's user; what is left of one that was broken off is put aside. */
export function emptyDraft({ path, server, group }: Pick<StandbyCopyOptions, 'path' | 'server' | 'group'>): Script {
  const draft = draftOf(path);
  return sh`${halfTablespacesAside(path)}
if [ -e ${draft} ]; then mv ${draft} ${draft}."$(date +%Y%m%dT%H%M%S)"; fi
mkdir -m 0700 ${draft}
chown ${`${server.user}:${group}`} ${draft}`;
}

/** What a standby is told by pgprov's own file alone, or by none. */
const OF_ANOTHER = 'primary_conninfo|primary_slot_name|recovery_target[a-z_]*';

/**
 * Comments out by what the server that was copied once found its primary, and where its own recovery was to end: with that a standby follows nobody,
 * or takes writes by itself.
 */
export function ownSourceTaken(draft: string, server: LocalServer): Script {
  return sh`for parameters in ${[`${draft}/postgresql.auto.conf`, `${draft}/postgresql.conf`]}; do
[ ! -f "$parameters" ] || ${asDatabaseUser(server, sh`sed -i -E ${`s/^[[:space:]]*(${OF_ANOTHER})[[:space:]=]/#&/I`} "$parameters"`)}
done`;
}

/**
 * Notes that a standby is being made, and has a draft made in a unit of its own, which becomes the data directory. Its standby.signal is there
 * before the directory has its name, so nothing ever starts it as a primary.
 * @param make fills the draft
 */
export function draftMade({ path, server, group }: Pick<StandbyCopyOptions, 'path' | 'server' | 'group'>, make: Script): Script {
  const [draft, note, script, unit] = [draftOf(path), noteOf(path), scriptOf(path), copyingUnit(path)];
  return joinScripts([
    sh`if [ -e ${path} ]; then
rmdir ${path} || { printf '%s\n' ${`${path} is not empty; no copy is made over it`}; exit 1; }
fi
mkdir -p "$(dirname ${note})" "$(dirname ${path})"
: >${note}
sync ${note}
${emptyDraft({ path, server, group })}
( ${writeFileScript(
      script,
      sh`set -e
cd /
${make}
rm -f ${`${draft}/${SYNCHRONOUS_FILE}`}
${ownSourceTaken(draft, server)}
${asDatabaseUser(server, sh`touch ${`${draft}/standby.signal`}`)}
data=${draft}
${markOwn}
sync ${`${draft}/standby.signal`} ${draft}
mv -T ${draft} ${path}
${tablespacesKept(path)}
`.text,
      { owner: 'root', group: 'root', mode: '0600' },
    )} ) || exit 1
systemctl reset-failed ${unit} 2>/dev/null || :
systemd-run -q --unit=${unit} --description=${`data of a standby for ${path}`} /bin/sh ${script}`,
  ]);
}

/** The data of a standby, copied by pg_basebackup. */
export function standbyCopied(options: StandbyCopyOptions): Resource<StandbyCopyState> {
  const { path, conninfo, slot } = options;
  const through = slot === undefined ? '' : `, through the slot ${slot}`;
  return {
    ...standbyCopy(path),
    id: `standby-copied:${path}`,
    diff: ({ copying, copied }) =>
      copying || copied ? [] : [{ action: 'create', summary: `copy the primary’s data into ${path} with pg_basebackup${through}` }],
    apply: () => draftMade(options, baseBackup(options)),
    digest: () => digestOf('standby-copied', path, conninfo, slot ?? ''),
  };
}

/** Seconds in which a copy that does not grow is waited for. */
const STANDS_STILL = 900;

/**
 * Open when the copy has its place.
 * @param from host of the primary, as far as the inventory knows it
 * @param title what is waited for, as a clause
 */
export function copiedGate(path: string, from: readonly string[], title = 'the primary’s data is copied'): Gate {
  return gate({
    name: 'standby-copied',
    title,
    unit: copyingUnit(path),
    fatalLogPatterns: [],
    waitOnlyOnce: true,
    dependsOnHosts: from,
    timeout: STANDS_STILL,
    progress: memberProgress(draftOf(path)),
    check: sh`[ -e ${`${path}/PG_VERSION`} ]`,
  });
}

/** The host no longer counts as one where a standby is being made. */
export function standbyJoined(path: string): Resource<StandbyCopyState> {
  const id = 'standby-joined';
  return {
    ...standbyCopy(path),
    id,
    diff: ({ joining, copied }) => (joining || !copied ? [{ action: 'run', summary: 'note that the standby has joined' }] : []),
    apply: () => sh`rm -f ${noteOf(path)}`,
    digest: () => digestOf(id),
  };
}
