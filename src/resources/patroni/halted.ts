import { seconds } from '../../shell/patience.js';
import { joinScripts, sh } from '../../shell/quote.js';
import { readScope, type DcsKeys } from '../dcs.js';
import { dataQuestion, readDataDirectory, type DataDirectoryOptions } from '../data-directory.js';
import { compareConfig, type JsonObject } from '../dynamic-config.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import type { ServiceState } from '../service.js';
import { handle, type Handle } from '../handle.js';
import { printAnswer } from '../shared-question.js';
import { findUnit, unitsQuestion } from '../units.js';

/** Whether a member is to be stopped. */
export interface HaltedState {
  /** Patroni runs and PostgreSQL does not, on no member of the cluster, nobody leads, and the dynamic configuration is to be corrected. */
  due: boolean;
}

/** Where a member is looked at. */
export interface PatroniHaltedOptions extends DataDirectoryOptions {
  unit: string;
  /** `http://10.0.0.11:8008` */
  url: string;
  /** What Patroni keeps in its store. */
  keys: DcsKeys;
  /** The dynamic configuration as the inventory gives it. */
  desired: JsonObject;
}

/** What is seen of it, by Patroni's unit. */
export function haltedHandle(unit: string): Handle<HaltedState> {
  return handle(`halted:${unit}`);
}

/** States of a member in the store in which its PostgreSQL serves, or is about to. */
const SERVING = new Set(['running', 'streaming', 'in archive recovery', 'creating replica', 'initializing new cluster']);

/**
 * Patroni is stopped on the members of a cluster whose PostgreSQL is down everywhere, while its dynamic configuration is wrong. Were the
 * configuration corrected while Patroni runs, the first member whose PostgreSQL comes up would take the lead, because members that are
 * down do not count in Patroni's election. With all of them stopped the one with the last commits can be started first.
 */
export function patroniHalted(options: PatroniHaltedOptions): Resource<HaltedState> {
  const { unit, url, keys, path, desired } = options;
  const units = unitsQuestion(unit);
  const data = dataQuestion(options);
  return {
    id: haltedHandle(unit).id,
    sharedQuestions: [units, keys.question, data],
    probe: () => printAnswer(data, units, keys.question),
    parse: (answer) => {
      const text = answerText(answer);
      const scope = readScope(keys, text);
      const active = findUnit(text, unit).active;
      const runs = active === 'active' || active === 'activating' || active === 'reloading';
      if (!runs || !scope.reachable || (scope.initialize ?? '') === '' || scope.leader !== undefined) return { due: false };
      const found = readDataDirectory(answer);
      if ((found.kind === 'cluster' && (found.running || found.alone === true)) || scope.members.some(({ state }) => SERVING.has(state)))
        return { due: false };
      const { set, taken } = compareConfig((scope.config ?? {}) as JsonObject, desired);
      return { due: set.length + taken.length > 0 };
    },
    diff: ({ due }): Change[] =>
      due ? [{ action: 'run', summary: `stop ${unit}, whose PostgreSQL is down, until the dynamic configuration is corrected` }] : [],
    // A moment has passed since the look: PostgreSQL may run by now.
    apply: () => sh`case "$(curl -s -m ${seconds(10)} ${`${url}/patroni`})" in
*'"state": "running"'* | *'"state": "streaming"'*)
echo 'PostgreSQL runs now; run this again'
exit 1
;;
esac
if ! timeout ${seconds(90)} systemctl stop ${unit}; then
echo ${`${unit} did not stop; its last words:`}
journalctl -u ${unit} -n 12 -o cat --no-pager 2>/dev/null || :
exit 1
fi
pid=
[ ! -r ${path}/postmaster.pid ] || read -r pid <${path}/postmaster.pid || :
case "$pid" in -*) pid=$((0 - pid)) ;; esac
if [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f ${path})" ]; then
echo ${`PostgreSQL still runs with ${path}`}
exit 1
fi`,
    digest: () => digestOf(haltedHandle(unit).id),
  };
}

/** Patroni's service, whose start is planned already where it is yet to be stopped. */
export function startedAfterHalt(service: Resource<ServiceState>, halted: Resource<HaltedState>): Resource<ServiceState & HaltedState> {
  // What takes less of a state takes more of it as well.
  const { thorough: _, ...rest } = service as Resource<ServiceState & HaltedState>;
  return {
    ...rest,
    sharedQuestions: [...(service.sharedQuestions ?? []), ...(halted.sharedQuestions ?? [])],
    probe: () => joinScripts([service.probe(), sh`echo`, halted.probe()]),
    parse: (answer) => ({ ...service.parse(answer), ...halted.parse(answer) }),
    diff: (state, states): Change[] => service.diff(state.due ? { ...state, active: 'inactive' } : state, states),
  };
}
