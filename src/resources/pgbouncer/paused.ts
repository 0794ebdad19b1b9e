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

/** How the pools are paused. */
export interface PoolsPausedOptions {
  console: PoolerConsole;
  /** Seconds that transactions which have begun get to end. */
  within: number;
  /** Seconds after which the host resumes the pools by itself. */
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
    apply: () => sh`${stopTimer()}
systemd-run -q --collect --unit=${RESUMING_UNIT} --description='resume the pools that pgprov has paused' "--on-active=${seconds(limit)}s" --timer-property=AccuracySec=500ms ${consoleCommand(console)} -c RESUME || exit ${NOTHING_DONE}
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
${stopTimer()}
echo "PgBouncer was resumed, because transactions did not end within "${seconds(within)}" s:" $busy
exit 1
fi
sleep 0.1
done`,
    digest: () => digestOf('pools-paused'),
  };
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
        stopTimer(),
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

function stopTimer(): Script {
  return sh`systemctl stop ${`${RESUMING_UNIT}.timer`} 2>/dev/null || :`;
}
