import { dataQuestion, readDataDirectory } from '../data-directory.js';
import { holdAtBoot } from '../put-off.js';
import { asDatabaseUser, psql, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { STANDBY_LINE, tellStandby } from '../standby-signal.js';
import { seconds } from '../../shell/patience.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import { bringUp, defineServes, stopServer, type UnitServer } from './server-unit.js';

/** What is seen of a server that is held from taking writes, or let go again. */
export interface HeldState {
  /** Its next start is as a standby. */
  signal: boolean;
  /** A postmaster has the data open. */
  running: boolean;
}

/** Seconds in which a server that was stopped takes writes again, and after which one that answers nobody is not waited for any more. */
const WITHIN = { release: 300, fence: 60 };

/**
 * A primary that takes no writes from now on: whatever starts it, it is a standby then, and it has stopped cleanly. So its WAL is whole, and all of
 * it has been sent to the standbys that streamed.
 */
export function primaryHeld(options: UnitServer): Resource<HeldState> {
  const { server, data, unit } = options;
  return {
    ...lookAt('primary-held', options),
    diff: ({ signal, running }) => [...signalMissing(signal, data), ...(running ? [run(`stop ${unit}`)] : [])],
    apply: () => joinScripts([writeStandbySignal(server, data), stopServer(options)]),
  };
}

/**
 * A primary that is lost, and does not come back as one: it does not start at boot, where it would show what nobody else has, and whatever starts it,
 * it is a standby then. What is left of its server is ended.
 */
export function primaryFenced(options: UnitServer): Resource<HeldState> {
  const { server, data, unit } = options;
  return {
    ...lookAt('primary-fenced', options),
    diff: ({ signal, running }) => [
      ...signalMissing(signal, data),
      ...(signal && !running ? [] : [run(`keep ${unit} from starting at boot, and end what is left of it`)]),
    ],
    apply: () =>
      joinScripts([
        writeStandbySignal(server, data),
        holdAtBoot(options),
        sh`timeout ${seconds(WITHIN.fence)} systemctl stop ${unit} || :
${defineServes(data)}
if serves; then
${asDatabaseUser(server, sh`${`${server.binDirectory}/pg_ctl`} -D ${data} -m immediate -w -t ${seconds(WITHIN.fence)} stop`)} >/dev/null 2>&1 || kill -9 "$pid"
fi`,
      ]),
  };
}

/** A former primary that was only held, and is the primary again: nobody was promoted in its place. */
export function primaryReleased(options: UnitServer): Resource<HeldState> {
  const { server, data, unit } = options;
  return {
    ...lookAt('primary-released', options),
    diff: ({ signal, running }): Change[] => [
      ...(signal ? [run(`remove standby.signal from ${data}`)] : []),
      ...(running ? [] : [{ action: 'start' as const, summary: `start ${unit} as the primary` }]),
    ],
    apply: () => sh`rm -f ${`${data}/standby.signal`}
sync ${data}
${bringUp('start', options)}
waited=0
until [ "$(${psql(server, ['-c', 'SELECT pg_is_in_recovery()'])} 2>/dev/null)" = f ]; do
waited=$((waited + 1))
if [ "$waited" -ge ${seconds(WITHIN.release)} ]; then
echo ${`${unit} runs, and takes no writes yet`}
exit 1
fi
sleep 1
done`,
  };
}

function signalMissing(signal: boolean, data: string): Change[] {
  return signal ? [] : [run(`write standby.signal into ${data}, so that it does not start as a primary`)];
}

function run(summary: string): Change {
  return { action: 'run', summary };
}

type Look = Pick<Resource<HeldState>, 'id' | 'sharedQuestions' | 'probe' | 'parse' | 'digest'>;

function lookAt(id: string, { unit, data: path, server }: UnitServer): Look {
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
function writeStandbySignal(server: LocalServer, data: string): Script {
  return sh`${asDatabaseUser(server, sh`touch ${`${data}/standby.signal`}`)}
sync ${`${data}/standby.signal`} ${data}`;
}
