import { dataQuestion, readDataDirectory } from '../data-directory.js';
import { psqlInput, psql, asDatabaseUser, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { controlUnit } from '../service.js';
import { printAnswer } from '../shared-question.js';
import { STANDBY_LINE, tellStandby } from '../standby-signal.js';
import { seconds } from '../../shell/patience.js';
import { joinScripts, NOTHING, sh, type Script } from '../../shell/quote.js';

/** A server without Patroni that is held from taking writes, or let go again. */
export interface HeldOptions {
  /** Its unit without `.service`. */
  unit: string;
  /** The data directory. */
  path: string;
  server: LocalServer;
}

/** What is seen of it. */
export interface HeldState {
  /** Its next start is as a standby. */
  signal: boolean;
  /** A postmaster has the data open. */
  running: boolean;
}

/** Seconds that a server may take to send all of its WAL and to write its last checkpoint. */
const STOPS_WITHIN = 300;

/** Seconds after which a server that answers nobody is not waited for any more. */
const FENCED_WITHIN = 60;

/**
 * A primary that takes no writes from now on: whatever starts it, it is a standby then, and it has stopped cleanly. So its WAL is whole, and all of
 * it has been sent to the standbys that streamed.
 */
export function primaryHeld(options: HeldOptions): Resource<HeldState> {
  const { unit, path, server } = options;
  return {
    ...lookAt('primary-held', options),
    diff: (state) => changesOf(state, options, 'stop'),
    apply: () =>
      joinScripts([
        // The last one has less to write then, and that is time in which nobody takes writes.
        sh`note 'writing a checkpoint'
${psqlInput(server, 'CHECKPOINT')} >/dev/null 2>&1 || :`,
        writeStandbySignal(server, path),
        sh`note ${`stopping ${unit}`}
timeout ${seconds(STOPS_WITHIN)} systemctl stop ${unit} || :`,
        ifItRuns(
          path,
          sh`if ! ${asDatabaseUser(server, sh`${`${server.binDirectory}/pg_ctl`} -D ${path} -m fast -w -t ${seconds(FENCED_WITHIN)} stop`)} 2>&1; then
echo ${`PostgreSQL still runs with ${path}`}
exit 1
fi`,
        ),
      ]),
  };
}

/** A primary that is lost, and does not come back as one: whatever starts it, it is a standby then. What is left of its server is ended. */
export function primaryFenced(options: HeldOptions): Resource<HeldState> {
  const { unit, path, server } = options;
  return {
    ...lookAt('primary-fenced', options),
    diff: (state) => changesOf(state, options, 'end'),
    apply: () =>
      joinScripts([
        writeStandbySignal(server, path),
        sh`timeout ${seconds(FENCED_WITHIN)} systemctl stop ${unit} || :`,
        ifItRuns(
          path,
          sh`${asDatabaseUser(server, sh`${`${server.binDirectory}/pg_ctl`} -D ${path} -m immediate -w -t ${seconds(FENCED_WITHIN)} stop`)} >/dev/null 2>&1 || kill -9 "$pid"`,
        ),
      ]),
  };
}

/** A former primary that was only held, and is the primary again: nobody was promoted in its place. */
export function primaryReleased(options: HeldOptions): Resource<HeldState> {
  const { unit, path, server } = options;
  return {
    ...lookAt('primary-released', options),
    diff: ({ signal, running }): Change[] => [
      ...(signal ? [run(`remove standby.signal from ${path}`)] : []),
      ...(running ? [] : [{ action: 'start' as const, summary: `start ${unit} as the primary` }]),
    ],
    apply: () => sh`rm -f ${`${path}/standby.signal`}
sync ${path}
${controlUnit('start', { unit, timeout: STOPS_WITHIN })}
waited=0
until [ "$(${psql(server, ['-c', 'SELECT pg_is_in_recovery()'])} 2>/dev/null)" = f ]; do
waited=$((waited + 1))
if [ "$waited" -ge ${seconds(STOPS_WITHIN)} ]; then
echo ${`${unit} runs, and takes no writes yet`}
exit 1
fi
sleep 1
done`,
  };
}

/** A former primary, or a standby that is down, runs as a standby. */
export function standbyRuns(options: HeldOptions): Resource<HeldState> {
  const { unit, path, server } = options;
  return {
    ...lookAt('standby-runs', options),
    diff: ({ signal, running }): Change[] => [
      ...(signal ? [] : [run(`write standby.signal into ${path}`)]),
      ...(running ? [] : [{ action: 'start' as const, summary: `start ${unit} as a standby` }]),
    ],
    apply: (_changes, { signal, running }) =>
      running && !signal
        ? sh`echo ${`PostgreSQL runs with ${path} and has no standby.signal: it may be a primary`}
exit 1`
        : joinScripts([signal ? NOTHING : writeStandbySignal(server, path), controlUnit('start', { unit, timeout: STOPS_WITHIN })]),
  };
}

function changesOf({ signal, running }: HeldState, { path, unit }: HeldOptions, verb: string): Change[] {
  return [
    ...(signal ? [] : [run(`write standby.signal into ${path}, so that it does not start as a primary`)]),
    ...(running ? [run(`${verb} ${unit}`)] : []),
  ];
}

function run(summary: string): Change {
  return { action: 'run', summary };
}

function lookAt(
  id: string,
  { unit, path, server }: HeldOptions,
): Pick<Resource<HeldState>, 'id' | 'sharedQuestions' | 'probe' | 'parse' | 'digest'> {
  const data = dataQuestion({ path, binDirectory: server.binDirectory, user: server.user });
  return {
    id,
    sharedQuestions: [data],
    probe: () => joinScripts([printAnswer(data), tellStandby(path)]),
    parse: (answer) => {
      const found = readDataDirectory(answer);
      return { signal: answerText(answer).split('\n').includes(STANDBY_LINE), running: found.kind === 'cluster' && found.running };
    },
    digest: () => digestOf(id, unit, path),
  };
}

/** The file is on the disk before anything else happens. */
function writeStandbySignal(server: LocalServer, path: string): Script {
  return sh`${asDatabaseUser(server, sh`touch ${`${path}/standby.signal`}`)}
sync ${`${path}/standby.signal`} ${path}`;
}

/** For a server that its unit has left running, with its process in `$pid`. */
function ifItRuns(path: string, then: Script): Script {
  return sh`pid=
[ ! -r ${path}/postmaster.pid ] || read -r pid <${path}/postmaster.pid || :
case "$pid" in -*) pid=$((0 - pid)) ;; esac
if [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f ${path})" ]; then
${then}
fi`;
}
