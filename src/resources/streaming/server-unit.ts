import { handle } from '../handle.js';
import { holdAtBoot, isPutOff, type BootUnit } from '../put-off.js';
import { answerText, digestOf, type Observation, type Resource } from '../resource.js';
import { asDatabaseUser, psqlInput, type LocalServer } from '../psql.js';
import { controlUnit } from '../service.js';
import { printAnswer } from '../shared-question.js';
import { findUnit, unitsQuestion } from '../units.js';
import { seconds } from '../../shell/patience.js';
import { NOTHING, sh, type Script } from '../../shell/quote.js';
import { noteLogEnds, startFailure } from '../start-failure.js';

/** The unit of a server that runs without Patroni. */
export interface ServerUnitState {
  /** systemd has it running, or is about to. */
  active: boolean;
  /** The id that systemd has given its present start (systemd.exec(5), INVOCATION_ID); '' while it does not run. */
  start: string;
  /** It starts at boot. */
  atBoot: boolean;
  /** pgprov stopped it, until it is started again. */
  held: boolean;
  /** A postmaster has the data directory open, in the unit or outside of it. */
  serves: boolean;
}

/** The observation's id. */
export const SERVER_UNIT = handle<ServerUnitState>('server-unit');

/** A server without Patroni. */
export interface UnitServer extends BootUnit {
  server: LocalServer;
  /** The data directory. */
  data: string;
  /** What the server writes to where it has no collector of its own; undefined: to the journal of its unit. */
  logFile?: string;
}

/** Defines `serves`: a postmaster has the directory open; its number is in `$pid` then. */
export function defineServes(data: string): Script {
  return sh`serves() {
pid=
[ ! -r ${`${data}/postmaster.pid`} ] || read -r pid <${`${data}/postmaster.pid`} || :
case "$pid" in -*) pid=$((0 - pid)) ;; esac
[ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f ${data})" ]
}`;
}

/** What systemd says of the server's unit, and whether pgprov holds it stopped. */
export function serverUnit({ unit, startConf, data }: UnitServer): Observation<ServerUnitState> {
  const units = unitsQuestion(unit);
  return {
    ...SERVER_UNIT,
    sharedQuestions: [units],
    probe: () => sh`${printAnswer(units)}
echo
${defineServes(data)}
echo "@start $(systemctl show -p InvocationID --value ${unit})"
if ${isPutOff(unit)}; then echo @held; fi
if serves; then echo @serves; fi
${startConf === undefined ? NOTHING : sh`! grep -qx '[[:space:]]*auto[[:space:]]*' ${startConf} 2>/dev/null || echo @auto`}`,
    parse: (answer) => {
      const text = answerText(answer);
      const lines = text.split('\n');
      const { active, file } = findUnit(text, unit);
      const isActive = active !== 'inactive' && active !== 'failed' && active !== '';
      const start = lines.find((line) => line.startsWith('@start '))?.slice('@start '.length) ?? '';
      return {
        active: isActive,
        start: isActive ? start : '',
        atBoot: startConf === undefined ? file.startsWith('enabled') : lines.includes('@auto'),
        held: lines.includes('@held'),
        serves: lines.includes('@serves'),
      };
    },
  };
}

/** Seconds that PostgreSQL may take to write its last checkpoint. */
const STOPS_WITHIN = 600;

/**
 * Stops the unit and whatever else serves the data directory; fails where that does not end.
 * @param mode `immediate`: as by a crash, without a checkpoint, which would have WAL recycled
 */
export function stopServer({ unit, server, data }: UnitServer, mode: 'fast' | 'immediate' = 'fast'): Script {
  const first =
    mode === 'fast'
      ? sh`note 'writing a checkpoint'
${psqlInput(server, 'CHECKPOINT')} >/dev/null 2>&1 || :`
      : sh`${asDatabaseUser(server, sh`${`${server.binDirectory}/pg_ctl`} -s -D ${data} -m immediate stop`)} >/dev/null 2>&1 || :`;
  return sh`${first}
note ${`stopping ${unit}`}
timeout ${seconds(STOPS_WITHIN)} systemctl stop ${unit} || :
${defineServes(data)}
if serves; then
note 'waiting until PostgreSQL has ended'
${asDatabaseUser(server, sh`${`${server.binDirectory}/pg_ctl`} -D ${data} -m fast -w -t ${seconds(STOPS_WITHIN)} stop`)} 2>&1 || :
if serves; then
echo ${`PostgreSQL still runs with ${data}`}
exit 1
fi
fi`;
}

/** A server that is down and stays so, also after a boot of its host, until somebody starts it. */
export function serverStopped(options: UnitServer): Resource<ServerUnitState> {
  const { unit, startConf } = options;
  const boot: BootUnit = { unit, ...(startConf === undefined ? {} : { startConf }) };
  return {
    ...serverUnit(options),
    id: `server-stopped:${unit}`,
    diff: ({ active, serves, held }) => [
      ...(held ? [] : [{ action: 'run' as const, summary: `keep ${unit} from starting at boot` }]),
      ...(active || serves ? [{ action: 'run' as const, summary: `stop ${unit}` }] : []),
    ],
    // The note comes first: a boot in the middle would start it again.
    apply: (_changes, { held }) => sh`${held ? NOTHING : holdAtBoot(boot)}
${stopServer(options)}`,
    digest: () => digestOf('server-stopped', unit),
  };
}

/** Seconds that a start may take; a recovery goes on when they are over. */
const STARTS_WITHIN = 600;

/** Has systemd start the unit, or restart it, and says why where PostgreSQL does not come up. */
export function bringUp(verb: 'start' | 'restart', options: UnitServer, more: Script = NOTHING): Script {
  const { unit } = options;
  return sh`${noteLogEnds(options)}
if ! ( ${controlUnit(verb, { unit, timeout: STARTS_WITHIN })} ); then
${startFailure(options)}
${more}
exit 1
fi`;
}
