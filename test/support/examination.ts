import type { Finding } from '../../src/lib/finding.js';
import type { Diagnosis, Examination } from '../../src/plan/diagnosis.js';
import { View } from '../../src/plan/view.js';
import type { Handle } from '../../src/resources/handle.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import type { Observation } from '../../src/resources/resource.js';
import { inventoryOf, THREE } from './inventory.js';

/** The moment of made-up examinations. */
export const NOW = Date.parse('2026-11-29T03:30:00Z');

/** What one host answered. */
export interface ExaminedHost {
  /** States with the names they are read by. */
  states?: readonly (readonly [Handle<unknown>, unknown])[];
  /** Lines of its logs: unit, seconds before the examination, text. */
  log?: readonly (readonly [unit: string, secondsAgo: number, text: string])[];
  /** Why it could not be asked. */
  unseen?: string;
  /** Default: Debian 13. */
  facts?: { os: string; version: string };
}

/** A state with its handle, so that the compiler holds the one to the other. */
export function seen<State>(handle: Handle<State>, state: State): readonly [Handle<unknown>, unknown] {
  return [handle, state];
}

/** What an observation reads of a host's answer. */
export function answered<State>(observation: Observation<State>, text: string): readonly [Handle<unknown>, unknown] {
  return [observation, observation.parse({ status: 0, out: Buffer.from(text) })];
}

/** What a survey of three hosts found; a host that is not named answered nothing but what it is. */
export async function examinationOf(hosts: Readonly<Record<string, ExaminedHost>>, yaml = THREE): Promise<Examination> {
  const inventory = await inventoryOf(yaml);
  const answering = inventory.hosts.filter(({ name }) => hosts[name]?.unseen === undefined);
  const states = answering.map(({ name }) => {
    const { states: own = [], facts = { os: 'debian', version: '13' } } = hosts[name] ?? {};
    return [name, new Map<string, unknown>([[HOST_FACTS.id, facts], ...own.map(([{ id }, state]) => [id, state] as const)])] as const;
  });
  return {
    view: new View(inventory, new Map(states)),
    now: NOW,
    unseen: new Map(Object.entries(hosts).flatMap(([name, { unseen }]) => (unseen === undefined ? [] : [[name, unseen] as const]))),
    gone: [],
    log: (host, ...units) =>
      (hosts[host]?.log ?? [])
        .map(([unit, secondsAgo, text]) => ({ host, unit, at: NOW - secondsAgo * 1000, text }))
        .filter(({ unit }) => units.length === 0 || units.includes(unit)),
  };
}

/** What a diagnosis finds. */
export async function findings(
  diagnosis: Diagnosis,
  hosts: Readonly<Record<string, ExaminedHost>>,
  yaml?: string,
): Promise<readonly Finding[]> {
  return diagnosis.find(await examinationOf(hosts, yaml));
}

/** Findings in short: level, host, what. */
export async function found(diagnosis: Diagnosis, hosts: Readonly<Record<string, ExaminedHost>>, yaml?: string): Promise<string[]> {
  return (await findings(diagnosis, hosts, yaml)).map(({ level, host, what }) =>
    [level, host, what].filter((word) => word !== undefined).join(' '),
  );
}
