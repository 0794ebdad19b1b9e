import type { LookTimes } from '../events.js';
import type { TimedPart } from './timed-steps.js';

/** A part of one host's time, and how long it took on the host in the middle. */
export interface SpreadPart extends TimedPart {
  medianMs?: number;
}

/** The slowest of some hosts, and the time of the one in the middle. */
export interface Spread {
  slowest?: { host: string; ms: number };
  medianMs?: number;
}

/** How the times of hosts differ; empty without hosts. */
export function spreadOf(hosts: readonly { host: string; ms: number }[]): Spread {
  const [first] = longestFirst(hosts);
  return first === undefined ? {} : { slowest: { host: first.host, ms: first.ms }, medianMs: median(hosts.map(({ ms }) => ms)) };
}

/** The longest wait in line for a handshake, which need not be that of the slowest host; empty when nobody waited. */
export function queueParts(connected: readonly { host: string; queuedMs?: number }[]): SpreadPart[] {
  const waits = connected.map(({ host, queuedMs = 0 }) => ({ host, ms: queuedMs }));
  const waiting = waits.filter(({ ms }) => ms > 0).length;
  const { slowest, medianMs = 0 } = spreadOf(waits);
  if (slowest === undefined || waiting === 0) return [];
  return [{ title: `in line for a handshake, ${slowest.host} longest; ${waiting} of ${waits.length} hosts`, ms: slowest.ms, medianMs }];
}

/** What the slowest look was made of, longest first, and how long each part took elsewhere. */
export function lookParts(looks: readonly { ms: number; times?: LookTimes }[]): SpreadPart[] {
  const each = looks.map(({ ms, times }) => ({ ms, parts: partsOf(times) }));
  const [slowest] = longestFirst(each);
  const parts = [...(slowest?.parts ?? [])];
  return longestFirst(parts.map(([title, ms]) => ({ title, ms, medianMs: median(each.map((look) => look.parts.get(title) ?? 0)) })));
}

/** A host that was asked twice has the same probe twice. */
function partsOf(times: LookTimes | undefined): Map<string, number> {
  const parts = new Map<string, number>();
  if (times === undefined) return parts;
  parts.set('around the probes: channel, root, locks, shared questions', times.overheadMs);
  for (const { id, ms } of times.probes) parts.set(id, (parts.get(id) ?? 0) + ms);
  return parts;
}

/** What the run had to wait for, of one kind and on one host. */
export interface Cause extends TimedPart {
  host?: string;
  times: number;
}

/** Parts of the same kind and host become one; longest first, without those that took no time. */
export function joinCauses(parts: readonly Omit<Cause, 'times'>[]): Cause[] {
  const causes = new Map<string, Cause>();
  for (const part of parts.filter(({ ms }) => ms > 0)) {
    const key = JSON.stringify([part.title, part.host]);
    const { ms = 0, times = 0 } = causes.get(key) ?? {};
    causes.set(key, { ...part, ms: part.ms + ms, times: times + 1 });
  }
  return longestFirst([...causes.values()]);
}

/** Sorted, those that are as long in their order. */
export function longestFirst<Part extends { ms: number }>(parts: readonly Part[]): Part[] {
  return [...parts].sort((a, b) => b.ms - a.ms);
}

/** The sum of their times. */
export function totalOf(parts: readonly { ms: number }[]): number {
  return parts.reduce((total, { ms }) => total + ms, 0);
}

/** The one in the middle; of an even number the lower of the two, 0 of none. */
export function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)] ?? 0;
}
