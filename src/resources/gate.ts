import { SEE_CALLED_OFF } from '../shell/call-off.js';
import { seconds } from '../shell/patience.js';
import { joinScripts, NOTHING, Script, sh } from '../shell/quote.js';
import { isPutOff } from './put-off.js';
import type { LogPlace } from './host-logs.js';
import { answerText, type Gate } from './resource.js';
import { defineSeeLog, wordsOfServer } from './server-words.js';
import { fatalWords, lastSentences } from './start-failure.js';

/** A condition to wait for, and what would make waiting pointless. */
export interface GateOptions {
  name: string;
  /** What is waited for, as a clause: `etcd has a quorum`. */
  title: string;
  /** Succeeds when the gate is open; prints what it sees in one line. Finds in `$waited` the seconds since the gate began to wait. */
  check: Script;
  /** How to look once, where questions that are asked anyhow tell; default: by `check`. */
  look?: Pick<Gate, 'sharedQuestions' | 'probe' | 'parse'>;
  /** Once it is open it stays so, whatever its stage changes; default: it is waited for after every change. */
  waitOnlyOnce?: boolean;
  /** Hosts without each of which it does not open; default: none that a run could know of. */
  dependsOnHosts?: readonly string[];
  /** What to do, by what was said last where it did not open; default: the cause is to be mended. */
  advice?: Gate['advice'];
  /** Run once a second while the gate is shut, to help it open; its failure does no harm. */
  nudge?: Script;
  /** The unit whose journal explains a failure. */
  unit: string;
  /** Where the server of that unit writes besides; default: the journal has all that it says. */
  log?: LogPlace;
  /**
   * What the check prints while the server has failed to start, whoever tries it again, and where that server writes besides the journal. After some
   * such starts no more are waited for, also where something moves in between; default: nothing tells.
   */
  failedStart?: { seen: string; log: LogPlace };
  /** Extended regular expressions of lines in the journal, and in that log, that more time will not fix. */
  fatalLogPatterns: readonly string[];
  /** Seconds on a host of the usual patience, while `progress` stands still where that is given; default 120. */
  timeout?: number;
  /** The inventory's variable that has these seconds, named where they are over; default: none has. */
  variable?: string;
  /**
   * Prints in its first line a number that tells how far it is, and in its second one what is shown of it. Asked every three seconds, with
   * the number of the last time in `$before`, and its second in `$looked`; when it has changed, the time begins anew. Default: nothing
   * tells how far it is.
   */
  progress?: Script;
  /** False where what the check sees says it all, and the journal is not quoted when time is up; default true. */
  includeJournal?: boolean;
}

/** What a gate says first whose time is up. */
export const GAVE_UP = 'gave up';

/** What the words of a cause look like, beside the line that a gate gave up on. */
const CAUSES = 'FATAL|PANIC|No space left|[Ee]rror:|HINT:';

/** What the check sees, behind these characters; nothing where it sees nothing. */
const ifSeen = (before: string): Script => Script.build(`"\${seen:+${before}$seen}"`);

/** Which variable says for how long it waits, behind what it waited for. */
function limitWords({ variable, timeout = 120, progress }: GateOptions): string {
  if (variable === undefined) return '';
  return ` (${variable}: ${timeout}${progress === undefined ? '' : ', in which it got no further'})`;
}

/** Looks how far it is, and begins the time anew where that has changed. */
function seeProgress(progress: Script): Script {
  return sh`if [ "$waited" -ge "$next" ]; then
reached=$( ( ${progress} ) 2>/dev/null) || :
far=$(printf '%s\n' "$reached" | sed -n '2s/^/, /p')
reached=$(printf '%s\n' "$reached" | sed -n 1p)
if [ "$reached" != "$before" ]; then before=$reached moved=$waited stopping=0; fi
looked=$waited
fi`;
}

/**
 * So many starts that failed are enough, once the first of them was so many seconds ago: what was left of a server that ran before may keep the first
 * ones from succeeding. A server that is only slow has failed none.
 */
const [FAILED_STARTS, SECONDS_OF_FAILED_STARTS] = [3, 20];

/**
 * Counts starts that failed, in `$fails`: each time that it is seen after something else, or the same last words of the server, because who looks
 * once a second may miss a short attempt. Once they are enough, `$hopeless` says so.
 */
function seeFailedStarts(unit: string, { seen }: NonNullable<GateOptions['failedStart']>): Script {
  return sh`if [ "$seen" = ${seen} ]; then
if [ "$failing" = no ]; then fails=$((fails + 1)); fi
failing=yes
if [ -z "$failed" ]; then failed=$now; fi
said=$(journalctl -u ${unit} --since "@$started" -o cat --no-pager 2>/dev/null | ${fatalWords()})
same=$(printf '%s\n' "$said" | grep -cxF -e "$(printf '%s\n' "$said" | tail -n 1)" || :)
if [ -n "$said" ] && [ "$same" -gt "$fails" ]; then fails=$same; fi
if [ "$fails" -ge ${FAILED_STARTS} ] && [ "$((now - failed))" -ge ${seconds(SECONDS_OF_FAILED_STARTS)} ]; then hopeless=$seen", $fails times"; fi
else
failing=no
fi`;
}

/** Ends the gate once starts have failed often enough, with the server's own words. */
function endFailedStarts(title: string, unit: string, { log }: NonNullable<GateOptions['failedStart']>): Script {
  return sh`if [ -n "$hopeless" ]; then
echo ${`giving up waiting until ${title}:`}
echo "$hopeless"
words=$(journalctl -u ${unit} --since "@$started" -o cat --no-pager 2>/dev/null | ${lastSentences(SENTENCES)})
if [ -z "$words" ]; then
${defineSeeLog(log)}
see_log
words=$(${wordsOfServer(SENTENCES)})
fi
if [ -n "$words" ]; then printf '%s\n' "$words"; else
journalctl -u ${unit} -n 12 -o cat --no-pager 2>/dev/null || :
fi
give_up
fi`;
}

/** Seconds between two looks at how far it is, and between two notes. */
export const LOOKS_EVERY = 3;

/** An expression that no line matches. */
const NO_LINE = '$^';

/**
 * A hopeless sign must stand for this many seconds, because some errors appear once while a service starts, or come back: a busy machine looks
 * less than once a second, and may see each of the lines of a loop only once. What was said before counts for nothing. A unit that stops is no such sign, because a restart begins so and may wait for connections to end.
 */
const SECONDS_BEFORE_GIVING_UP = 4;

/** Seconds after which a hopeless sign that has not come back counts as passed; Patroni repeats its own once a loop. */
const SECONDS_TO_FORGET = 60;

/** A unit that was started before its gate began may have said why it ended so many seconds earlier. */
const SECONDS_BEFORE_A_GATE = 10;

/** So many of PostgreSQL's own sentences are quoted. */
const SENTENCES = 3;

/** Seconds of a unit's stop that a gate's time does not count, because systemd kills what has not stopped after 90, its default. */
const SECONDS_TO_STOP = 100;

/**
 * A gate that polls on the host and reads the journal of the service it waits for. One whose waiting is called off, since a host that
 * it needs is out, has a last chance of some seconds, because that host may have done its part before. A unit that was never enabled
 * has never proved itself; when it cannot succeed it is stopped, not left trying the same for ever.
 */
export function gate(options: GateOptions): Gate {
  const { title, check, unit, log } = options;
  const recent = sh`journalctl -u ${unit} --since "@$since" -o cat --no-pager 2>/dev/null`;
  const lines = log === undefined ? recent : sh`{ ${recent}; printf '%s\n' "$new"; }`;
  const words = log === undefined ? NOTHING : wordsOfServer(SENTENCES);
  const journal = sh`journalctl -u ${unit} -n 12 -o cat --no-pager 2>/dev/null || :`;
  return {
    id: `gate:${options.name}`,
    title,
    ...(options.waitOnlyOnce === undefined ? {} : { waitOnlyOnce: options.waitOnlyOnce }),
    ...(options.dependsOnHosts === undefined ? {} : { dependsOnHosts: options.dependsOnHosts }),
    ...(options.advice === undefined ? {} : { advice: options.advice }),
    ...(options.look ?? {
      probe: () => check,
      parse: (answer) => ({ open: answer.status === 0, seen: answerText(answer).trim() }),
    }),
    wait: ({ ignoreLog = false } = {}) => sh`give_up() {
if ! systemctl -q is-enabled ${unit} >/dev/null 2>&1 && ! ${isPutOff(unit)}; then systemctl stop ${unit} >/dev/null 2>&1 || :; fi
exit 1
}
check() {
(
set +e
${check}
) 2>/dev/null
}
${log === undefined ? NOTHING : joinScripts([defineSeeLog(log), sh`see_log`])}
started=$(date +%s)
second=
waited=0
bad=0
first=
last=
stopping=0
moved=0
next=2
before=
looked=0
far=
fails=0
failing=no
failed=
hopeless=
while :; do
if seen=$(check); then exit 0; fi
now=$(date +%s)
waited=$((now - started))
if [ "$waited" != "$second" ]; then
passed=$((waited - ${Script.build('${second:-0}')}))
second=$waited
${options.nudge === undefined ? NOTHING : sh`( ${options.nudge} ) >/dev/null 2>&1 || :`}
since=$((now - 5))
if [ "$since" -le "$started" ]; then since=$((started + 1)); fi
${SEE_CALLED_OFF}
${log === undefined ? NOTHING : sh`see_log`}
line=$(${lines} | grep -E ${(ignoreLog ? '' : options.fatalLogPatterns.join('|')) || NO_LINE} | tail -n 1)
unit_state=$(systemctl is-active ${unit} || :)
case "$line" in
'') if [ -n "$first" ] && [ $((now - last)) -ge ${SECONDS_TO_FORGET} ]; then first=; fi ;;
*)
last=$now
if [ -z "$first" ]; then first=$now; fi
if [ $((now - 5)) -gt "$first" ]; then bad=${SECONDS_BEFORE_GIVING_UP}; fi ;;
esac
case "$line$off:$unit_state" in
:active|:activating|:reloading) bad=0 ;;
:deactivating)
bad=0
if [ "$stopping" -lt ${SECONDS_TO_STOP} ]; then stopping=$((stopping + passed)); fi ;;
*) bad=$((bad + 1)) ;;
esac
${options.failedStart === undefined ? NOTHING : joinScripts([seeFailedStarts(unit, options.failedStart), endFailedStarts(title, unit, options.failedStart)])}
if [ "$bad" -ge ${SECONDS_BEFORE_GIVING_UP} ]; then
echo ${`giving up waiting until ${title}:`}
if [ -n "$line" ]; then
echo "$line"
since=$((now - 15))
if [ "$since" -lt "$started" ]; then since=$started; fi
journalctl -u ${unit} --since "@$since" -o cat --no-pager 2>/dev/null | grep -E ${CAUSES} | tail -n 3
elif [ -n "$off" ]; then
echo "$off"
else
since=$((started - ${SECONDS_BEFORE_A_GATE}))
cause=$( { ${recent}
${words}
} | grep -E ${CAUSES} | head -n 1)
echo ${`${unit} is`} "$unit_state"${Script.build('"${cause:+: $cause}"')}
${journal}
fi
${words}
give_up
fi
${options.progress === undefined ? NOTHING : seeProgress(options.progress)}
if [ "$((waited - moved - stopping))" -ge ${seconds(options.timeout ?? 120)} ]; then
echo "${Script.build(GAVE_UP)} after $waited s waiting until "${title}${limitWords(options)}${ifSeen(': ')}
${options.includeJournal === false ? words : joinScripts([journal, words])}
exit 1
fi
if [ "$waited" -ge "$next" ]; then
next=$((waited + ${LOOKS_EVERY}))
note ${`waiting until ${title}`}" ($waited s)"${ifSeen(' ')}"$far"
fi
fi
sleep 0.2
done`,
  };
}
