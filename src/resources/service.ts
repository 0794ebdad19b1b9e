import { sh, joinScripts, type Script } from '../shell/quote.js';
import { answerText, digestOf, UnknownAnswer, type Change, type Observation, type Resource } from './resource.js';
import { tellShared } from './shared-question.js';
import { settingsText, type UnitInForce } from './unit-in-force.js';
import { findUnit, unitsQuestion } from './units.js';

/** A systemd unit that should be enabled and running with its present configuration. */
export interface ServiceOptions {
  /** Unit name without `.service`. */
  unit: string;
  /** A change of these needs a restart to take effect. */
  restartOn?: readonly Reflected[];
  /** A change of these takes effect with a reload. */
  reloadOn?: readonly Reflected[];
  /**
   * Do not wait for systemd to call it started: for a unit that reports ready only when other hosts are
   * up as well. A gate must follow that does wait.
   */
  noBlock?: boolean;
  /** Also have it start at boot; default true. */
  enable?: boolean;
  /** Seconds that starting or reloading may take; default 90. */
  timeout?: number;
  /** What it must run with; a process that runs with something else is restarted. Default: that is not looked at. */
  inForce?: Observation<UnitInForce>;
}

/** What a service reflects: anything with a digest of its desired state. */
export interface Reflected {
  digest(): string;
}

/** What systemd and our record say of a unit. */
export interface ServiceState {
  loaded: boolean;
  enabled: boolean;
  active: 'active' | 'inactive' | 'failed' | 'activating' | 'deactivating' | 'reloading';
  /** What the running process was started or reloaded with, as recorded after it took. */
  applied: { restart: string; reload: string } | undefined;
  /** What it runs with, where that is looked at. */
  inForce?: UnitInForce;
}

/** Where a host records what its services run with, so that a restart that was due and did not happen is still due. */
export const APPLIED_DIRECTORY = '/var/lib/pgprov/applied';

/** Comes between what is known of the unit and what it has in force. */
const IN_FORCE = '@in-force';

const ACTIVE = new Set(['active', 'inactive', 'failed', 'activating', 'deactivating', 'reloading']);

/** A service, started, restarted or reloaded as its recorded inputs ask for. */
export function service(options: ServiceOptions): Resource<ServiceState> {
  const { unit } = options;
  const id = `service:${unit}`;
  const record = `${APPLIED_DIRECTORY}/${unit}`;
  const units = unitsQuestion(unit);
  const restart = digestOf(...(options.restartOn ?? []).map((input) => input.digest()));
  const reload = digestOf(...(options.reloadOn ?? []).map((input) => input.digest()));
  return {
    id,
    shares: [units],
    probe: () => joinScripts([
      sh`[ ! -e ${record} ] || while read -r line; do printf '%s\n' "$line"; done <${record}
echo
${tellShared(units)}`,
      ...(options.inForce === undefined ? [] : [sh`echo ${IN_FORCE}`, options.inForce.probe()]),
    ]),
    parse: (answer) => {
      const [text = '', inForce] = answerText(answer).split(`${IN_FORCE}\n`);
      const applied = /^restart=(?<restart>.*)\nreload=(?<reload>.*)\n/u.exec(text)?.groups as { restart: string; reload: string } | undefined;
      const { load, file, active } = findUnit(text, unit);
      // Without systemd there is no answer, and so no unit.
      if (active !== '' && !ACTIVE.has(active)) throw new UnknownAnswer(id, answer);
      return {
        loaded: load === 'loaded',
        enabled: file.startsWith('enabled'),
        active: (active || 'inactive') as ServiceState['active'],
        applied: applied === undefined ? undefined : { ...applied },
        ...(options.inForce === undefined || inForce === undefined ? {} : { inForce: options.inForce.parse({ status: 0, out: Buffer.from(inForce) }) }),
      };
    },
    diff: (state): Change[] => {
      const changes: Change[] = [];
      if (!state.enabled && options.enable !== false) changes.push({ action: 'enable', summary: `enable ${unit}` });
      const running = state.active === 'active' || state.active === 'reloading';
      if (!running) changes.push({ action: 'start', summary: `start ${unit}${state.active === 'failed' ? ' (it has failed)' : ''}` });
      else if (needsRestart(state, restart, (options.restartOn ?? []).length > 0)) {
        const why = state.applied === undefined ? 'not started by pgprov' : 'its configuration changed';
        changes.push({ action: 'restart', summary: `restart ${unit} (${why})` });
      } else if ((state.inForce?.running.length ?? 0) > 0) {
        changes.push({ action: 'restart', summary: `restart ${unit} (it runs with other settings: ${settingsText(state.inForce?.running ?? [])})` });
      } else if (state.applied?.reload !== reload) {
        changes.push({ action: 'reload', summary: `reload ${unit} (its configuration changed)` });
      }
      return changes;
    },
    apply: (changes) => {
      const steps: Script[] = [sh`systemctl daemon-reload`];
      const has = (action: Change['action']): boolean => changes.some((change) => change.action === action);
      if (has('enable')) steps.push(sh`systemctl -q enable ${unit}`);
      if (has('start')) steps.push(sh`systemctl reset-failed ${unit} 2>/dev/null || :`, controlUnit('start', options));
      if (has('restart')) steps.push(controlUnit('restart', options));
      if (has('reload')) steps.push(controlUnit('reload', options));
      steps.push(recordApplied(record, restart, reload));
      return joinScripts(steps);
    },
    digest: () => digestOf(id, restart, reload),
  };
}

/** A unit that starts at boot, for one that is to do so only once it has proved itself. */
export function enabledUnit(unit: string): Resource<{ enabled: boolean }> {
  const id = `enabled:${unit}`;
  const units = unitsQuestion(unit);
  return {
    id,
    shares: [units],
    probe: () => tellShared(units),
    parse: (answer) => ({ enabled: findUnit(answerText(answer), unit).file.startsWith('enabled') }),
    diff: (state): Change[] => (state.enabled ? [] : [{ action: 'enable', summary: `enable ${unit}` }]),
    apply: () => sh`systemctl -q enable ${unit}`,
    digest: () => digestOf(id),
  };
}

function needsRestart(state: ServiceState, digest: string, reflectsAny: boolean): boolean {
  return reflectsAny && state.applied?.restart !== digest;
}

/** Runs systemctl within a bound; on failure prints what the unit said last. */
function controlUnit(verb: 'start' | 'restart' | 'reload', { unit, timeout, noBlock }: ServiceOptions): Script {
  const flags = noBlock === true ? ['--no-block'] : [];
  return sh`if ! timeout ${timeout ?? 90} systemctl ${flags} ${verb} ${unit}; then
echo ${`${unit} did not ${verb}; its last words:`}
journalctl -u ${unit} -n 12 -o cat --no-pager 2>/dev/null || :
exit 1
fi`;
}

function recordApplied(record: string, restart: string, reload: string): Script {
  return sh`mkdir -p ${APPLIED_DIRECTORY}
printf 'restart=%s\nreload=%s\n' ${restart} ${reload} >${`${record}.new`}
mv -f ${`${record}.new`} ${record}`;
}
