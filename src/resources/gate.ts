import { NOTHING, sh, type Script } from '../shell/quote.js';
import { answerText, type Gate } from './resource.js';

/** A condition to wait for, and what would make waiting pointless. */
export interface GateOptions {
  name: string;
  /** What is waited for, as a clause: `etcd has a quorum`. */
  title: string;
  /** Succeeds when the gate is open; prints what it sees in one line. Finds in `$waited` the seconds since the gate began to wait. */
  check: Script;
  /** How to look once, where questions that are asked anyhow tell; default: by `check`. */
  look?: Pick<Gate, 'shares' | 'probe' | 'parse'>;
  /** Once it is open it stays so, whatever its stage changes; default: it is waited for after every change. */
  lasting?: boolean;
  /** Hosts without each of which it does not open; default: none that a run could know of. */
  needs?: readonly string[];
  /** Run once a second while the gate is shut, to help it open; its failure does no harm. */
  nudge?: Script;
  /** The unit whose journal explains a failure. */
  unit: string;
  /** Extended regular expressions of journal lines that more time will not mend. */
  hopeless: readonly string[];
  /** Seconds; default 120. */
  timeout?: number;
  /** False where what the check sees says it all, and the journal is not quoted when time is up; default true. */
  quotes?: boolean;
}

/** What the words of a cause look like, beside the line that a gate gave up on. */
const CAUSES = 'FATAL|PANIC|No space left|[Ee]rror:|HINT:';

/** An expression that no line matches. */
const NO_LINE = '$^';

/** A hopeless sign must stand for this many seconds, for some errors appear once while a service starts. What was said before counts for nothing. */
const SECONDS_BEFORE_GIVING_UP = 4;

/**
 * A gate that polls on the host and reads the journal of the service it waits for. A unit that is not enabled
 * has never proved itself; when it cannot succeed it is stopped, not left trying the same for ever.
 */
export function gate(options: GateOptions): Gate {
  const { title, check, unit } = options;
  return {
    id: `gate:${options.name}`,
    title,
    ...(options.lasting === undefined ? {} : { lasting: options.lasting }),
    ...(options.needs === undefined ? {} : { needs: options.needs }),
    ...(options.look ?? {
      probe: () => check,
      parse: (answer) => ({ open: answer.status === 0, seen: answerText(answer).trim() }),
    }),
    wait: ({ patient = false } = {}) => sh`give_up() {
if ! systemctl -q is-enabled ${unit} >/dev/null 2>&1; then systemctl stop ${unit} >/dev/null 2>&1 || :; fi
exit 1
}
check() {
(
set +e
${check}
) 2>/dev/null
}
started=$(date +%s)
second=
waited=0
bad=0
while :; do
if seen=$(check); then exit 0; fi
now=$(date +%s)
waited=$((now - started))
if [ "$waited" != "$second" ]; then
second=$waited
${options.nudge === undefined ? NOTHING : sh`( ${options.nudge} ) >/dev/null 2>&1 || :`}
since=$((now - 5))
if [ "$since" -le "$started" ]; then since=$((started + 1)); fi
line=$(journalctl -u ${unit} --since "@$since" -o cat --no-pager 2>/dev/null | grep -E ${(patient ? '' : options.hopeless.join('|')) || NO_LINE} | tail -n 1)
unit_state=$(systemctl is-active ${unit} || :)
case "$line:$unit_state" in
:active|:activating|:reloading) bad=0 ;;
*) bad=$((bad + 1)) ;;
esac
if [ "$bad" -ge ${SECONDS_BEFORE_GIVING_UP} ]; then
echo ${`it will not come true that ${title}:`}
if [ -n "$line" ]; then
echo "$line"
journalctl -u ${unit} --since "@$((now - 15))" -o cat --no-pager 2>/dev/null | grep -E ${CAUSES} | tail -n 3
else
echo ${`${unit} is`} "$unit_state"
journalctl -u ${unit} -n 12 -o cat --no-pager 2>/dev/null || :
fi
give_up
fi
if [ "$waited" -ge ${options.timeout ?? 120} ]; then
echo "gave up after $waited s waiting until "${title}": $seen"
${options.quotes === false ? NOTHING : sh`journalctl -u ${unit} -n 12 -o cat --no-pager 2>/dev/null || :`}
exit 1
fi
if [ $((waited % 3)) = 2 ]; then note ${`waiting until ${title}`}" ($waited s) $seen"; fi
fi
sleep 0.2
done`,
  };
}
