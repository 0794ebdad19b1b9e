import { seconds } from '../../shell/patience.js';
import { joinScripts, NOTHING, sh } from '../../shell/quote.js';
import { dataQuestion, readDataDirectory } from '../data-directory.js';
import { handle, type Handle } from '../handle.js';
import { asDatabaseUser, psqlInput, type LocalServer } from '../psql.js';
import { hold, isHeld } from '../held-unit.js';
import { putOff } from '../put-off.js';
import { answerLines, answerText, digestOf, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { findUnit, unitsQuestion } from '../units.js';

/** A member that is to be down. */
export interface PatroniStoppedOptions {
  /** Patroni's unit without `.service`, or that of PostgreSQL where it runs without Patroni. */
  unit: string;
  /** The data directory. */
  path: string;
  server: LocalServer;
  /** Patroni does not start at boot either, until somebody starts it again. */
  staysDown: boolean;
  /** A unit that is no Patroni's stays down by being held: nobody starts it, and whether it is enabled is left as it is. */
  isHeld?: true;
}

/** What runs of a member. */
export interface PatroniStoppedState {
  /** The unit is active. */
  patroni: boolean;
  postgresql: boolean;
  /** The unit starts at boot. */
  enabled: boolean;
}

/** What is seen of it, by Patroni's unit. */
export function stoppedHandle(unit: string): Handle<PatroniStoppedState> {
  return handle(`stopped:${unit}`);
}

/** Line that says that the unit is held. */
const HELD = '@held';

/** Seconds that PostgreSQL may take to write its last checkpoint. */
const STOPS_WITHIN = 600;

/**
 * Patroni's unit is stopped, and PostgreSQL has ended cleanly. systemd ends Patroni after a while, though PostgreSQL still writes its last
 * checkpoint; so a checkpoint comes before, and PostgreSQL is waited for by its own process.
 */
export function patroniStopped({ unit, path, server, staysDown, isHeld: holds }: PatroniStoppedOptions): Resource<PatroniStoppedState> {
  const units = unitsQuestion(unit);
  const data = dataQuestion({ path, binDirectory: server.binDirectory, user: server.user });
  return {
    id: stoppedHandle(unit).id,
    sharedQuestions: [units, data],
    probe: () =>
      holds === true
        ? joinScripts([
            printAnswer(data, units),
            sh`echo
${isHeld(unit)} && echo ${HELD} || :`,
          ])
        : printAnswer(data, units),
    parse: (answer) => {
      const { active, file } = findUnit(answerText(answer), unit);
      const found = readDataDirectory(answer);
      return {
        patroni: active !== 'inactive' && active !== 'failed' && active !== '',
        postgresql: found.kind === 'cluster' && found.running,
        enabled: holds === true ? !answerLines(answer).includes(HELD) : file.startsWith('enabled'),
      };
    },
    diff: ({ patroni, postgresql, enabled }) => [
      ...(staysDown && enabled ? [{ action: 'run' as const, summary: `keep ${unit} from starting at boot` }] : []),
      ...(patroni || postgresql ? [{ action: 'run' as const, summary: `stop ${unit} and PostgreSQL` }] : []),
    ],
    apply: () => sh`${staysDown ? (holds === true ? hold(unit) : putOff(unit)) : NOTHING}
note 'writing a checkpoint'
${psqlInput(server, 'CHECKPOINT')} >/dev/null 2>&1 || :
note ${`stopping ${unit}`}
systemctl stop ${unit} || :
pid=
[ ! -r ${path}/postmaster.pid ] || read -r pid <${path}/postmaster.pid || :
case "$pid" in -*) pid=$((0 - pid)) ;; esac
if [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f ${path})" ]; then
note 'waiting until PostgreSQL has ended'
if ! ${asDatabaseUser(server, sh`${`${server.binDirectory}/pg_ctl`} -D ${path} -m fast -w -t ${seconds(STOPS_WITHIN)} stop`)} 2>&1; then
echo ${`PostgreSQL still runs with ${path}`}
exit 1
fi
fi`,
    digest: () => digestOf('patroni-stopped', unit),
  };
}
