import { NOTHING, sh } from '../../shell/quote.js';
import { psql, psqlInput } from '../psql.js';
import { digestOf, NOTHING_DONE, type Resource } from '../resource.js';
import { bringUp, serverUnit, type ServerUnitState, type UnitServer } from './server-unit.js';

/** A server that is restarted once. */
export interface ServerRestartOptions extends UnitServer {
  host: string;
  /** What it is; where it has become the other by now it is left alone. */
  as: 'primary' | 'standby';
  /** `ServerUnitState.start` as it was before; one that was started since then is not restarted. */
  before: string;
  /** How the change that the restart carries out is taken back, as a sentence, for who has to hear that it failed; '' where there is none. */
  takeBack: string;
}

/** A server without Patroni, restarted after a checkpoint, so that it stops quickly. One that is down is started. */
export function serverRestart(options: ServerRestartOptions): Resource<ServerUnitState> {
  const { unit, server, host, as, before, takeBack } = options;
  const recovers = as === 'standby' ? 't' : 'f';
  return {
    ...serverUnit(options),
    id: `server-restart:${unit}`,
    diff: ({ start, active }) => (active && start !== before ? [] : [{ action: 'restart', summary: `restart ${unit}` }]),
    apply: () => sh`recovers=$(${psql(server, ['-c', 'SELECT pg_is_in_recovery()'])} 2>/dev/null) || recovers=
case "$recovers" in '' | ${recovers}) ;; *)
echo ${`${host} is no ${as} any more, so its server was not restarted; give the same command again`}
exit ${NOTHING_DONE}
;;
esac
if [ -n "$recovers" ]; then
note ${`writing a checkpoint, so that PostgreSQL on ${host} stops quickly`}
${psqlInput(server, 'CHECKPOINT')} >/dev/null 2>&1 || :
fi
note ${`restarting PostgreSQL on ${host}`}
${bringUp('restart', options, takeBack === '' ? NOTHING : sh`echo ${takeBack}`)}`,
    digest: () => digestOf('server-restart', unit, before),
  };
}
