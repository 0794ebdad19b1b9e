import { isIPv6 } from 'node:net';
import { CATALOG } from '../../../roles/index.js';
import type { Inventory } from '../../../src/model/index.js';
import { View } from '../../../src/plan/view.js';
import { HOST_FACTS, type HostFacts } from '../../../src/resources/host-facts.js';
import { comparable, hostScripts, SYSTEMS, type HostScript } from './host-scripts.js';
import { load } from './load.js';
import { benignOf, type Place } from './places.js';
import { hostileValues, shown, WORST } from './values.js';

/** What hosts are asked before their roles may object. */
const FACTS: HostFacts = { os: '', version: '', architecture: 'x86_64', clock: 0, systemd: true, memory: 2 ** 40 };

/** `debian13 pg1` where a role objects to the host before anything is changed on it. */
function objectedTo(inventory: Inventory): Set<string> {
  return new Set(
    SYSTEMS.flatMap((platform) => {
      const [, os = '', version = ''] = /^([a-z]+)(\d+)$/u.exec(platform.id) ?? [];
      const states = new Map(
        inventory.hosts.map(({ name }) => [name, new Map<string, unknown>([[HOST_FACTS.id, { ...FACTS, os, version }]])]),
      );
      const objections = CATALOG.flatMap((role) => role.preflight?.(new View(inventory, states)) ?? []);
      return objections.map(({ host = '' }) => `${platform.id} ${host}`);
    }),
  );
}

/** A script that a hostile value has a part in, and the same script with a benign value in its place. */
export interface Variant {
  value: string;
  hostile: HostScript;
  plain: string;
  benign: HostScript;
}

/** A place of the inventory whose value reaches scripts. */
export interface Variants {
  place: Place;
  /** How many values were tried. */
  values: number;
  variants: Variant[];
}

async function accepted(place: Place, value: string): Promise<Inventory | undefined> {
  const loaded = await load(place.draft(value));
  return 'inventory' in loaded ? loaded.inventory : undefined;
}

/** A place that took none of so many values takes only what is on a list. */
const PATIENCE = 40;

/** The worst of the values that a place takes, and others up to so many, different ones for each `salt`. */
async function acceptedValues(
  place: Place,
  benign: string,
  salt: number,
  limit: number,
): Promise<{ value: string; inventory: Inventory }[]> {
  const values = hostileValues(limit, salt);
  // A prime step visits all of them, the generated ones among the fixed.
  const others = values.map((_, index) => values[(salt * 31 + index * 61) % values.length] ?? '');
  const found: { value: string; inventory: Inventory }[] = [];
  for (const [index, text] of [...WORST, ...others].entries()) {
    if (index >= WORST.length && (found.length >= limit || index > PATIENCE)) break;
    for (const value of [text, `${benign}${text}`]) {
      // JavaScript would put such a key before all others.
      if (place.name.endsWith('<name>') && /^\d+$/u.test(value)) continue;
      const inventory = await accepted(place, value);
      if (inventory === undefined) continue;
      found.push({ value, inventory });
      break;
    }
  }
  return found;
}

/** A benign value of the same kind, for an absolute path or an IP address may mean something else than a name. */
function likeOf(value: string, benign: string): string {
  if (isIPv6(value)) return 'fd00::99';
  return benign.startsWith('/') === value.startsWith('/') ? benign : `${value.startsWith('/') ? '/' : ''}benign`;
}

/**
 * The scripts in which values of a place make a difference.
 * @throws Error when a value makes one script more or less, or none can be built
 */
export async function variantsOf(place: Place, salt: number, limit: number): Promise<Variants> {
  const benign = await benignOf(place, load);
  if (benign === undefined) return { place, values: 0, variants: [] };
  const plains = new Map<string, HostScript[]>();
  const variants: Variant[] = [];
  const tried = await acceptedValues(place, benign, salt, limit);
  const seen = new Set<string>();
  for (const { value, inventory } of tried) {
    const alike = likeOf(value, benign);
    const plain = plains.get(alike) ?? (await plainOf(place, alike, seen));
    plains.set(alike, plain);
    const objections = objectedTo(inventory);
    const scripts = hostScripts(inventory);
    if (scripts.length !== plain.length)
      throw new Error(`${place.name}: ${shown(value)} makes ${scripts.length} scripts, ${alike} ${plain.length}`);
    scripts.forEach((hostile, index) => {
      const text = comparable(hostile.script.text);
      const twin = plain[index];
      if (seen.has(text) || twin === undefined) return;
      const where = [`${hostile.system} ${hostile.host}`, `${hostile.system} `];
      if (where.some((objection) => objections.has(objection))) return;
      seen.add(text);
      if (twin.role !== hostile.role) throw new Error(`${place.name}: ${shown(value)} puts ${hostile.role} in the place of ${twin.role}`);
      variants.push({ value, hostile, benign: twin, plain: alike });
    });
  }
  return { place, values: tried.length, variants };
}

async function plainOf(place: Place, value: string, seen: Set<string>): Promise<HostScript[]> {
  const inventory = await accepted(place, value);
  if (inventory === undefined) throw new Error(`${place.name} does not take ${value}`);
  const scripts = hostScripts(inventory);
  for (const { script } of scripts) seen.add(comparable(script.text));
  return scripts;
}
