import { handle, type Handle } from './handle.js';
import { seconds } from '../shell/patience.js';
import { joinScripts, NOTHING, sh, type Script } from '../shell/quote.js';
import { PACKAGES, type PackagesState } from './packages-state.js';
import { isToChange, type Reflected } from './reflected.js';
import { answerText, digestOf, UnknownAnswer, type Change, type Observation, type Obstacle, type Resource } from './resource.js';
import { expand } from './server-process.js';
import { printAnswer } from './shared-question.js';
import { settingsText, type UnitInForce } from './unit-in-force.js';
import { findUnit, unitsQuestion, type UnitState } from './units.js';

/** A systemd unit that should be enabled and running with its present configuration. */
export interface ServiceOptions {
  /** Unit name without `.service`. */
  unit: string;
  /** A change of these needs a restart to take effect. */
  restartOn?: readonly Reflected[];
  /** A change of these takes effect with a reload, also where a run only puts back what somebody changed. */
  reloadOn?: readonly Reflected[];
  /**
   * Files that are pgprov's alone: where one was written since the unit took it or was started, the unit may run with something else, and is
   * reloaded.
   */
  reads?: readonly string[];
  /**
   * Do not wait for systemd to call it started: for a unit that reports ready only when other hosts are
   * up as well. A gate must follow that does wait.
   */
  noBlock?: boolean;
  /** Also have it start at boot; default true. */
  enable?: boolean;
  /** Seconds that starting or reloading may take; default 90. */
  timeout?: number;
  /** The package that brings the unit, for who finds the package there and its unit gone. */
  broughtBy?: UnitPackage;
  /**
   * The cluster whose service it is, recorded beside what the service runs with: a host may have those of several. Default: nobody's in
   * particular, so that an inventory without its role finds it left behind.
   */
  cluster?: string;
  /** What it must run with; a process that runs with something else is restarted. Default: that is not looked at. */
  inForce?: Observation<UnitInForce>;
}

/** Where a unit comes from. */
export interface UnitPackage {
  /** The package that has the unit file. */
  name: string;
  /** One that a role installs, and that is never there without it; default: itself. */
  installedWith?: string;
  manager: 'apt' | 'dnf';
}

/** What systemd and our record say of a unit. */
export interface ServiceState {
  loaded: boolean;
  /** Somebody forbade every start of it. */
  masked?: 'for good' | 'until the next boot';
  enabled: boolean;
  active: 'active' | 'inactive' | 'failed' | 'activating' | 'deactivating' | 'reloading';
  /** What the running process was started or reloaded with, as recorded after it took. */
  applied: { restart: string; reload: string } | undefined;
  /** A file that it reads was written since then. */
  rewritten?: true;
  /** What it runs with, where that is looked at. */
  inForce?: UnitInForce;
}

/** Where a host records what its services run with, so that a restart that was due and did not happen is still due. */
export const APPLIED_DIRECTORY = '/var/lib/pgprov/applied';

/** What the ids of services begin with, before the unit. */
export const SERVICE = 'service:';

/** What is seen of a unit that is a service of its host. */
export function serviceHandle(unit: string): Handle<ServiceState> {
  return handle(`${SERVICE}${unit}`);
}

/** What is seen of a unit that is to start at boot. */
export function enabledHandle(unit: string): Handle<EnabledState> {
  return handle(`enabled:${unit}`);
}

/** Comes between what is known of the unit and what it has in force. */
const IN_FORCE = '@in-force';

/** What begins the line with the times of what a unit reads, when it took it and now. */
const LOADED = 'loaded=';
const WRITTEN = 'written=';

/** What begins the line with the times at which these files were changed last, and the unit was started. */
const CHANGED = 'changed=';

const ACTIVE = new Set(['active', 'inactive', 'failed', 'activating', 'deactivating', 'reloading']);

/** A service, started, restarted or reloaded as its recorded inputs ask for. */
export function service(options: ServiceOptions): Resource<ServiceState> {
  const { unit, reads = [] } = options;
  const { id } = serviceHandle(unit);
  const record = `${APPLIED_DIRECTORY}/${unit}`;
  const units = unitsQuestion(unit);
  const restart = digestOf(...(options.restartOn ?? []).map((input) => input.digest()));
  const reload = digestOf(...(options.reloadOn ?? []).map((input) => input.digest()));
  return {
    id,
    sharedQuestions: [units],
    probe: () =>
      joinScripts([
        sh`[ ! -e ${record} ] || while read -r line; do printf '%s\n' "$line"; done <${record}
${
  reads.length === 0
    ? NOTHING
    : sh`echo ${WRITTEN}"${timesOf(reads)}"
echo ${CHANGED}"${changeAndStart(reads, unit)}"`
}
echo
${printAnswer(units)}`,
        ...(options.inForce === undefined ? [] : [sh`echo ${IN_FORCE}`, options.inForce.probe()]),
      ]),
    parse: (answer) => {
      const [text = '', inForce] = answerText(answer).split(`${IN_FORCE}\n`);
      const applied = /^restart=(?<restart>.*)\nreload=(?<reload>.*)\n/u.exec(text)?.groups as
        | { restart: string; reload: string }
        | undefined;
      const { load, file, active } = findUnit(text, unit);
      // Without systemd there is no answer, and so no unit.
      if (active !== '' && !ACTIVE.has(active)) throw new UnknownAnswer(id, answer);
      return {
        loaded: load === 'loaded',
        ...maskOf({ load, file }),
        ...(isRewritten(text) ? { rewritten: true as const } : {}),
        enabled: file.startsWith('enabled'),
        active: (active || 'inactive') as ServiceState['active'],
        applied: applied === undefined ? undefined : { ...applied },
        ...(options.inForce === undefined || inForce === undefined
          ? {}
          : { inForce: options.inForce.parse({ status: 0, out: Buffer.from(inForce) }) }),
      };
    },
    diff: (state, states): Change[] => {
      const changes: Change[] = [];
      const running = state.active === 'active' || state.active === 'reloading';
      if (!state.enabled && options.enable !== false) changes.push(enableChange(unit, running));
      if (!running) changes.push({ action: 'start', summary: `start ${unit}${state.active === 'failed' ? ' (it has failed)' : ''}` });
      else if (needsRestart(state, restart, (options.restartOn ?? []).length > 0)) {
        const why = state.applied === undefined ? 'not started by pgprov' : 'its configuration changed';
        changes.push({ action: 'restart', summary: `restart ${unit} (${why})` });
      } else if ((state.inForce?.running.length ?? 0) > 0) {
        changes.push({
          action: 'restart',
          summary: `restart ${unit} (it runs with other settings: ${settingsText(state.inForce?.running ?? [])})`,
        });
      } else if (state.applied?.reload !== reload || isToChange(options.reloadOn ?? [], states)) {
        changes.push({ action: 'reload', summary: `reload ${unit} (its configuration changed)` });
      } else if (state.rewritten === true) {
        changes.push({ action: 'reload', summary: `reload ${unit} (a file that it reads was written since it was read)` });
      }
      return changes;
    },
    obstacle: (state, states) => maskedObstacle(unit, state) ?? missingObstacle(options, state, states),
    apply: (changes) => {
      const steps: Script[] = [sh`systemctl daemon-reload`];
      const has = (action: Change['action']): boolean => changes.some((change) => change.action === action);
      if (has('enable')) steps.push(enableUnit(unit));
      if (has('start')) steps.push(controlUnit('start', options));
      if (has('restart')) steps.push(controlUnit('restart', options));
      if (has('reload')) steps.push(controlUnit('reload', options));
      const owner = options.cluster === undefined ? [] : [`cluster=${options.cluster}`];
      steps.push(recordApplied(record, [`restart=${restart}`, `reload=${reload}`, ...owner], reads));
      return joinScripts(steps);
    },
    digest: () => digestOf(id, restart, reload),
  };
}

function enableChange(unit: string, running: boolean): Change {
  return {
    action: 'enable',
    summary: `enable ${unit}`,
    ...(running ? { danger: `the unit ${unit} runs, and would not start after a reboot (it is not enabled)` } : {}),
  };
}

/** Whether a unit starts at boot, and whether it runs now. */
export type EnabledState = Pick<ServiceState, 'enabled' | 'masked'> & {
  runs?: true;
  /** It is disabled only until somebody starts it again (`putOff`). */
  putOff?: true;
};

/** A unit that starts at boot, for one that is to do so only once it has proved itself. */
export function enabledUnit(unit: string): Resource<EnabledState> {
  const { id } = enabledHandle(unit);
  const units = unitsQuestion(unit);
  return {
    id,
    sharedQuestions: [units],
    probe: () => printAnswer(units),
    parse: (answer) => {
      const found = findUnit(answerText(answer), unit);
      return {
        enabled: found.file.startsWith('enabled'),
        ...(found.active === 'active' || found.active === 'reloading' ? { runs: true as const } : {}),
        ...maskOf(found),
      };
    },
    diff: (state): Change[] => (state.enabled ? [] : [enableChange(unit, state.runs === true)]),
    obstacle: (state) => maskedObstacle(unit, state),
    apply: () => enableUnit(unit),
    digest: () => digestOf(id),
  };
}

/**
 * Has a service reload at its next turn, whatever it was reloaded with: to be noted before a file that it reads is written, so that a run that
 * ends in between is finished by the next one.
 */
export function noteReloadDue(unit: string): Script {
  const record = `${APPLIED_DIRECTORY}/${unit}`;
  return sh`if [ -f ${record} ]; then
sed 's/^reload=.*/reload=due/' ${record} >${`${record}.new`}
mv -f ${`${record}.new`} ${record}
fi`;
}

function needsRestart(state: ServiceState, digest: string, reflectsAny: boolean): boolean {
  return reflectsAny && state.applied?.restart !== digest;
}

function maskOf({ load, file }: Pick<UnitState, 'load' | 'file'>): Pick<ServiceState, 'masked'> {
  if (load !== 'masked') return {};
  return { masked: file === 'masked-runtime' ? 'until the next boot' : 'for good' };
}

/** A unit that somebody masked is not for pgprov to unmask: it was to be kept from starting. */
function maskedObstacle(unit: string, { masked }: Pick<ServiceState, 'masked'>): Obstacle | undefined {
  if (masked === undefined) return undefined;
  const command = `systemctl unmask ${masked === 'for good' ? '' : '--runtime '}${unit}`;
  return { what: `the unit ${unit} is masked, so systemd does not start it`, advice: `run \`${command}\` there, then run again` };
}

/** The unit is gone although its package is installed, which no run of the package manager mends by itself. */
function missingObstacle(
  { unit, broughtBy }: ServiceOptions,
  { loaded, masked }: ServiceState,
  states: ReadonlyMap<string, unknown>,
): Obstacle | undefined {
  if (broughtBy === undefined || loaded || masked !== undefined || !isInstalled(broughtBy.installedWith ?? broughtBy.name, states))
    return undefined;
  const { name, manager } = broughtBy;
  const command = manager === 'apt' ? `apt-get install --reinstall ${name}` : `dnf reinstall ${name}`;
  return {
    what: `the package ${name} is installed, but its unit ${unit} is not there`,
    advice: `\`${command}\` there brings it back; then run again`,
  };
}

/** Whether any of the host's resources saw the package installed. */
function isInstalled(name: string, states: ReadonlyMap<string, unknown>): boolean {
  return [...states].some(([id, state]) => id.startsWith(PACKAGES) && typeof (state as PackagesState)[name] === 'string');
}

/** What stands in the way of a unit when systemctl did not do as told, in a sentence with the command; nothing otherwise. */
function explainUnit(unit: string): Script {
  return sh`case "$(systemctl show -p LoadState ${unit} 2>/dev/null)" in
*=masked) echo ${`the unit ${unit} is masked; systemctl unmask ${unit} unmasks it`} ;;
*=not-found) echo ${`there is no unit ${unit}; reinstall the package that brings it`} ;;
esac`;
}

function enableUnit(unit: string): Script {
  return sh`if ! systemctl -q enable ${unit}; then
${explainUnit(unit)}
exit 1
fi`;
}

/**
 * Runs systemctl within a bound; on failure prints what the unit said last. A unit that failed several times within seconds, and was put right
 * since, is started all the same.
 */
export function controlUnit(
  verb: 'start' | 'restart' | 'reload',
  { unit, timeout, noBlock }: Pick<ServiceOptions, 'unit' | 'timeout' | 'noBlock'>,
): Script {
  const flags = noBlock === true ? ['--no-block'] : [];
  return sh`${verb === 'reload' ? awaitHandler(unit) : sh`systemctl reset-failed ${unit} 2>/dev/null || :`}
if ! timeout ${seconds(timeout ?? 90)} systemctl ${flags} ${verb} ${unit}; then
${explainUnit(unit)}
down=
${verb === 'restart' ? sh`systemctl -q is-active ${unit} || down=', and does not run now'` : NOTHING}
echo ${`${unit} did not ${verb}`}"$down; its last words:"
journalctl -u ${unit} -n 12 -o cat --no-pager 2>/dev/null || :
exit 1
fi`;
}

/** Seconds after its start within which a process can be expected to know SIGHUP. */
const KNOWS_SIGNALS_WITHIN = 30;

/**
 * Waits while a unit that was just started would be ended by SIGHUP, which most units reload with: to systemd Patroni is up before Python has read
 * it, and it sets its handler only then (seen with 4.0.7).
 */
function awaitHandler(unit: string): Script {
  return sh`while pid=$(systemctl show -p MainPID --value ${unit} 2>/dev/null) && [ "${expand('pid:-0')}" != 0 ]; do
case "$(sed -n 's/^Sig\(Cgt\|Ign\):.*\(.\)$/\2/p' "/proc/$pid/status" 2>/dev/null)" in *[13579bdf]*) break ;; esac
since=$(systemctl show -p ActiveEnterTimestampMonotonic --value ${unit})
read -r up idle </proc/uptime
[ "$((${expand('up%.*')} - ${expand('since:-0')} / 1000000))" -lt ${seconds(KNOWS_SIGNALS_WITHIN)} ] || break
sleep 0.2
done`;
}

function recordApplied(record: string, lines: readonly string[], reads: readonly string[]): Script {
  return sh`mkdir -p ${APPLIED_DIRECTORY}
printf '%s\n' ${lines} >${`${record}.new`}
${reads.length === 0 ? NOTHING : sh`echo ${LOADED}"${timesOf(reads)}" >>${`${record}.new`}`}
mv -f ${`${record}.new`} ${record}`;
}

/** When files were written last, in one line; in seconds, because an image of a host keeps no more. */
function timesOf(paths: readonly string[]): Script {
  return sh`$(stat -c %Y ${paths} 2>/dev/null | tr '\n' ,)`;
}

/**
 * When a file of these came last to be what and where it is, and when the unit began to start, in seconds; a file that was moved there keeps the
 * time at which it was written.
 */
function changeAndStart(paths: readonly string[], unit: string): Script {
  return sh`$(stat -c %Z ${paths} 2>/dev/null | sort -n | tail -n 1) $(at=$(TZ=UTC LC_ALL=C systemctl show -p InactiveExitTimestamp --value ${unit} 2>/dev/null); [ -z "$at" ] || date -d "$at" +%s 2>/dev/null)`;
}

/** A unit that was started since has read what is there; where nothing is recorded, nobody wrote behind a back. */
function isRewritten(text: string): boolean {
  const after = (label: string): string | undefined => new RegExp(`^${label}(.*)$`, 'mu').exec(text)?.[1];
  const [loaded, written] = [after(LOADED), after(WRITTEN)];
  if (written === undefined || loaded === written) return false;
  const [changed, started] = (after(CHANGED) ?? '').split(' ').filter((time) => time !== '');
  return started === undefined ? loaded !== undefined : Number(changed) > Number(started);
}
