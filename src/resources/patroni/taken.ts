import { handle } from '../handle.js';
import { growingSeconds, seconds } from '../../shell/patience.js';
import { sh, type Script } from '../../shell/quote.js';
import { PATRONI_CACHE } from '../data-directory.js';
import { compareConfig, type ConfigPath, type JsonObject } from '../dynamic-config.js';
import { gate } from '../gate.js';
import { answerText, type Gate, type Observation } from '../resource.js';

/**
 * The dynamic configuration that a member's Patroni uses: it keeps that beside the data once it uses it, and keeps the
 * former one where it cannot. Undefined where there is no such file, or what is in it is no JSON object.
 */
export type PatroniTaken = JsonObject | undefined;

/** The observation's id. */
export const PATRONI_TAKEN = handle<PatroniTaken>('patroni-taken');

/** Reads the dynamic configuration that Patroni keeps in the data directory. */
export function patroniTaken(data: string): Observation<PatroniTaken> {
  const file = `${data}/${PATRONI_CACHE}`;
  return {
    ...PATRONI_TAKEN,
    when: 'startAndEnd',
    probe: () => sh`[ ! -f ${file} ] || cat ${file}`,
    parse: (answer) => {
      try {
        const value: unknown = JSON.parse(answerText(answer));
        return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

/** Settings of `desired` that the member's Patroni has not taken up; a member without the file has nothing to take up yet. */
export function untakenSettings(taken: PatroniTaken, desired: JsonObject): ConfigPath[] {
  return taken === undefined ? [] : compareConfig(taken, desired).set;
}

/** Which member is waited for. */
export interface TakenGateOptions {
  member: string;
  unit: string;
  /** `http://10.0.0.11:8008` */
  url: string;
  /** The data directory. */
  data: string;
  /** What the member does not use yet, in words; nothing where it uses all that is wanted of it. */
  missing: (taken: PatroniTaken) => readonly string[];
  /** Seconds. */
  patience: number;
  /** Has the member go through its loop. */
  nudge: Script;
}

/**
 * Open when the member's Patroni uses the dynamic configuration that it has read from the store since the gate began to wait: its REST API
 * gives what its last loop read (`dcs_last_seen`), which may be what the store had before. It gives up after `patience` seconds without
 * failing: what was not taken up is for the checks to say.
 */
export function takenGate(options: TakenGateOptions): Gate {
  const { member, unit, url, data, patience, nudge } = options;
  const file = `${data}/${PATRONI_CACHE}`;
  const taken = patroniTaken(data);
  return gate({
    name: 'patroni-taken',
    title: `Patroni on ${member} uses the dynamic configuration`,
    unit,
    fatalLogPatterns: [],
    timeout: patience + 30,
    nudge,
    check: sh`[ "$waited" -lt ${seconds(patience)} ] || exit 0
read=$(curl -s -m ${growingSeconds(5)} ${`${url}/patroni`} | sed -n 's/.*"dcs_last_seen": *\([0-9][0-9]*\).*/\1/p')
[ -n "$read" ] && [ "$read" -gt $(($(date +%s) - waited)) ] || exit 1
[ "$(curl -s -m ${growingSeconds(2)} ${`${url}/config`} | tr -d ' \n')" = "$(tr -d ' \n' <${file})" ]`,
    look: {
      probe: () => taken.probe(),
      parse: (answer) => {
        const missing = options.missing(taken.parse(answer));
        return { open: missing.length === 0, seen: missing.join(', ') };
      },
    },
  });
}
