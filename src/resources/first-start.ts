import { joinScripts, sh, type Script } from '../shell/quote.js';
import { endPutOff, isPutOff } from './put-off.js';
import { digestOf, type Change, type Resource } from './resource.js';
import { enabledUnit, type EnabledState, type ServiceState } from './service.js';

/** Whose first start it is. */
export interface FirstStart {
  /** Patroni's. */
  scope: string;
  member: string;
  /** The data directory. */
  path: string;
}

/** Where a host notes that Patroni was started there for the first time, without data; gone once the member has its data. */
const NOTE = '/var/lib/pgprov/first-start';

/** Succeeds where no first start is noted: what the member has is its data, and no bootstrap that may still be put aside. */
export const HAS_STARTED: Script = sh`[ ! -e ${NOTE} ]`;

/**
 * Patroni's service that, before it is started on an empty data directory and was never enabled, notes on the host whose first start that
 * is, when, and in which boot. The note is on the disk before Patroni begins, so what a power failure leaves of the bootstrap can be told
 * from a database that served.
 */
export function notesFirstStart(service: Resource<ServiceState>, { scope, member, path }: FirstStart): Resource<ServiceState> {
  const note = sh`if [ ! -e ${path} ] || { [ -d ${path} ] && [ -z "$(ls -A ${path})" ]; }; then
mkdir -p /var/lib/pgprov
printf '%s\n' ${lines({ scope, member, path })} "time=$(date -u +%Y-%m-%dT%H:%M:%SZ)" "boot=$(cat /proc/sys/kernel/random/boot_id)" >${`${NOTE}.new`}
sync ${`${NOTE}.new`}
mv -f ${`${NOTE}.new`} ${NOTE}
sync /var/lib/pgprov
fi`;
  return {
    ...service,
    apply: (changes, state) =>
      !state.enabled && changes.some(({ action }) => action === 'start')
        ? joinScripts([note, service.apply(changes, state)])
        : service.apply(changes, state),
  };
}

/** Prints `noted` where this first start was noted and never ended with the member's data. */
export function tellFirstStart(first: FirstStart): Script {
  return sh`if [ "$(head -n 3 ${NOTE} 2>/dev/null)" = ${lines(first).join('\n')} ]; then echo noted; fi`;
}

/** A unit that starts at boot, which ends its first start and its being put off: the notes of them go. */
export function enabledAfterFirstStart(unit: string): Resource<EnabledState & { noted: boolean }> {
  const enabled = enabledUnit(unit);
  const end = sh`${endPutOff(unit)}
rm -f ${NOTE}
sync /var/lib/pgprov 2>/dev/null || :`;
  return {
    id: enabled.id,
    sharedQuestions: enabled.sharedQuestions ?? [],
    probe: () =>
      joinScripts([
        sh`if [ -e ${NOTE} ]; then echo noted; fi
if ${isPutOff(unit)}; then echo put-off; fi`,
        enabled.probe(),
      ]),
    parse: (answer) => {
      const lines = answer.out.toString('utf8').split('\n');
      return { ...enabled.parse(answer), noted: lines.includes('noted'), ...(lines.includes('put-off') ? { putOff: true as const } : {}) };
    },
    diff: (state): Change[] => [
      // Until its first start is over the unit is not to start at boot.
      ...enabled.diff(state.noted ? withoutRunning(state) : state),
      ...(state.enabled && state.noted ? [{ action: 'update', summary: `record that the first start of ${unit} is over` } as const] : []),
      ...(state.enabled && state.putOff ? [{ action: 'update', summary: `record that ${unit} starts at boot again` } as const] : []),
    ],
    obstacle: (state, states) => enabled.obstacle?.(state, states),
    apply: (changes, state) =>
      joinScripts([...(changes.some(({ action }) => action === 'enable') ? [enabled.apply(changes, state)] : []), end]),
    digest: () => digestOf(enabled.id),
  };
}

function withoutRunning({ runs: _, ...state }: EnabledState): EnabledState {
  return state;
}

function lines({ scope, member, path }: FirstStart): string[] {
  return [`scope=${scope}`, `member=${member}`, `data=${path}`];
}
