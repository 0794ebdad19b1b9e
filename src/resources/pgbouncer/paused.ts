import { seconds } from '../../shell/patience.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import { answerText, digestOf, NOTHING_DONE, type Change, type Resource } from '../resource.js';
import { consoleCommand, consoleTables, onConsole, type PoolerConsole } from './console.js';
import { POOLER_TABLES, readPooler, type PoolerState } from './pooler.js';

/** What resumes pools that pgprov has paused and not resumed in time, because it was killed or lost the host. */
const RESUMING_UNIT = 'pgprov-pools-resume';

/** Names the pools, of those whose clients give their connections back by themselves, that still have one. */
const BUSY = `NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
$column["database"] != "pgbouncer" && $column["pool_mode"] != "session" &&
$column["sv_active"] + $column["sv_tested"] + $column["sv_login"] > 0 { print $column["user"] " on " $column["database"] }`;

/** Whether the pool `pool` is paused, from SHOW DATABASES. */
const IS_PAUSED = `NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
$column["name"] == pool { print $column["paused"] }`;

/** Names who has a connection of the pool `pool`, from SHOW POOLS. */
const BUSY_IN = `NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
$column["database"] == pool && $column["sv_active"] + $column["sv_tested"] + $column["sv_login"] > 0 { print $column["user"] }`;

/** How the pools are paused. */
export interface PoolsPausedOptions {
  console: PoolerConsole;
  /** Seconds that transactions which have begun get to end. */
  within: number;
  /** Seconds after which the host resumes the pools by itself, as they are: what its clients wait for does not grow with `base.patience`. */
  limit: number;
}

/**
 * All pools of the host's PgBouncer hold their clients up: these wait, and none of them has a connection to PostgreSQL. Sessions of the pool mode
 * `session` keep theirs, because they give it back only when they end. Where a transaction does not end in time all is resumed at once.
 */
export function poolsPaused({ console, within, limit }: PoolsPausedOptions): Resource<PoolerState> {
  return {
    id: 'pools-paused',
    ...seen(console),
    diff: ({ answers, paused }): Change[] =>
      !answers || paused === 'all' ? [] : [{ action: 'run', summary: 'pause the pools of PgBouncer: clients wait' }],
    // psql that is interrupted would resume them: PAUSE holds clients up at once, and is over only when all sessions are.
    apply: () => sh`${resumeLater(console, limit, 'RESUME')}
timeout -s KILL 2 ${consoleCommand(console)} -c PAUSE >/dev/null 2>&1 || :
end=$(($(date +%s) + ${seconds(within)}))
while :; do
state=$(${onConsole(console, 'SHOW STATE')}) || state=
busy=$(${onConsole(console, 'SHOW POOLS')} | awk -F '|' ${BUSY}) || busy=unknown
case "$state" in
*'paused|yes'*) [ -n "$busy" ] || exit 0 ;;
*) busy='it does not pause' ;;
esac
if [ "$(date +%s)" -ge "$end" ]; then
${onConsole(console, 'RESUME')} >/dev/null 2>&1 || :
${callOff()}
echo "PgBouncer was resumed, because transactions did not end within "${seconds(within)}" s:" $busy
exit 1
fi
sleep 0.1
done`,
    digest: () => digestOf('pools-paused'),
  };
}

/** How one pool is paused for a change of what it connects with. */
export interface PoolHeldOptions {
  console: PoolerConsole;
  /** The name of its database in PgBouncer. */
  pool: string;
  /** Seconds that its clients get to give their connections back. */
  within: number;
  /** Seconds after which the host resumes it by itself, as they are. */
  limit: number;
  /** What is about to change; where that is as wanted already, nothing is held up. */
  until: Resource;
}

/** Clients of one pool wait, and it has no connection to PostgreSQL, while something else is changed that new connections need. */
export function poolHeld({ console, pool, within, limit, until }: PoolHeldOptions): Resource<PoolerState> {
  return {
    id: 'pool-held',
    ...seen(console),
    diff: ({ answers, paused }, states): Change[] => {
      if (!answers || !isToChange(until, states) || paused === 'all' || paused?.includes(pool) === true) return [];
      return [{ action: 'run', summary: `hold up ${pool} of PgBouncer: new logins wait` }];
    },
    apply: () => sh`${resumeLater(console, limit, `RESUME "${pool}"`)}
timeout -s KILL 2 ${consoleCommand(console)} -c ${`PAUSE "${pool}"`} >/dev/null 2>&1 || :
end=$(($(date +%s) + ${seconds(within)}))
while :; do
held=$(${onConsole(console, 'SHOW DATABASES')} | awk -F '|' -v "pool="${pool} ${IS_PAUSED}) || held=
busy=$(${onConsole(console, 'SHOW POOLS')} | awk -F '|' -v "pool="${pool} ${BUSY_IN}) || busy=unknown
[ "$held" != 1 ] || [ -n "$busy" ] || exit 0
if [ "$(date +%s)" -ge "$end" ]; then
${poolReleased(console, pool)}
echo ${`PgBouncer could not hold up ${pool}, and was resumed`}
exit 1
fi
sleep 0.05
done`,
    digest: () => digestOf('pool-held', pool),
  };
}

/** Lets a pool that `poolHeld` holds up go on, once what was to change is changed. */
export function poolGoesOn({ console, pool, until }: Pick<PoolHeldOptions, 'console' | 'pool' | 'until'>): Resource<PoolerState> {
  return {
    id: 'pool-goes-on',
    ...seen(console),
    // Decided before the pool is held up, like all of the step.
    diff: ({ answers, paused }, states): Change[] => {
      if (!answers || paused === 'all' || (paused === undefined && !isToChange(until, states))) return [];
      return [{ action: 'run', summary: `have ${pool} of PgBouncer go on` }];
    },
    apply: () => poolReleased(console, pool),
    digest: () => digestOf('pool-goes-on', pool),
  };
}

function isToChange(resource: Resource, states: ReadonlyMap<string, unknown> | undefined): boolean {
  const state = states?.get(resource.id);
  return state !== undefined && resource.diff(state, states).length > 0;
}

/** Lets the clients of a pool that was held up go on, as part of a script. */
export function poolReleased(console: PoolerConsole, pool: string): Script {
  return sh`${onConsole(console, `RESUME "${pool}"`)} >/dev/null 2>&1 || :
${callOff()}`;
}

/** No pool of the host's PgBouncer holds its clients up, whoever has paused it. */
export function poolsResumed(console: PoolerConsole): Resource<PoolerState> {
  return {
    id: 'pools-resumed',
    ...seen(console),
    diff: ({ paused }): Change[] =>
      paused === undefined
        ? []
        : [
            {
              action: 'run',
              summary: `resume the pools of PgBouncer${paused === 'all' ? '' : ` on ${paused.join(', ')}`}, which are paused`,
              danger: 'the pools of PgBouncer are paused: clients wait until somebody resumes them',
            },
          ],
    apply: (_changes, { paused }) =>
      joinScripts([
        callOff(),
        ...(paused === undefined || paused === 'all' ? ['RESUME'] : paused.map((name) => `RESUME "${name}"`)).map(
          (command) => sh`${onConsole(console, command)} 2>&1 || :`,
        ),
      ]),
    digest: () => digestOf('pools-resumed'),
  };
}

function seen(console: PoolerConsole): Pick<Resource<PoolerState>, 'probe' | 'parse'> {
  return { probe: () => consoleTables(console, POOLER_TABLES), parse: (answer) => readPooler(answerText(answer)) };
}

/**
 * Has the host resume by itself, whatever becomes of pgprov. It is a service that sleeps: systemd counts the time of a timer `--on-active` anew whenever
 * its units are read again, as enabling another one has it do.
 */
function resumeLater(console: PoolerConsole, limit: number, command: string): Script {
  return sh`${callOff()}
systemd-run -q --collect --unit=${RESUMING_UNIT} --description='resume the pools that pgprov has paused' sh -c 'sleep "$1"; shift; exec "$@"' sh ${limit} ${consoleCommand(console)} -c ${command} || exit ${NOTHING_DONE}`;
}

function callOff(): Script {
  return sh`systemctl stop ${`${RESUMING_UNIT}.service`} 2>/dev/null || :`;
}
