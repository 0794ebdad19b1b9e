import { enumerate } from '../lib/enumerate.js';
import type { Inventory } from '../model/index.js';
import type { Action } from '../resources/resource.js';
import { stepWork, type States } from './plan.js';
import type { RunStage } from './host-work.js';
import { takingPart } from './takers.js';
import { View } from './view.js';
import { sortWaves, startsFirst } from './waves.js';

/** What a plan does to services that run, or are to run, a sentence each, in the order in which it happens. */
export function effectsOf(stages: readonly RunStage[], states: ReadonlyMap<string, States>, inventory: Inventory): string[] {
  const view = new View(inventory, states);
  const taken = stages.map((stage) => takingPart(stage, states));
  const leadership = taken.find((stage) => stage.leadership !== undefined)?.leadership;
  const leader = [...states.keys()].find((host) => leadership?.leads(view, host));
  const services = taken.filter(({ crossing }) => crossing === 'rolling').map((stage) => serviceEffects(stage, states, inventory, leader));
  const restarted = new Set(services.flatMap((each) => [...each.restarted]));
  const stays = leader === undefined ? undefined : leadership?.stays(leader, restarted);
  return [...services.flatMap(({ sentences }) => sentences), ...(stays === undefined ? [] : [stays])];
}

interface ServiceEffects {
  sentences: string[];
  restarted: ReadonlySet<string>;
}

function serviceEffects(
  stage: RunStage,
  states: ReadonlyMap<string, States>,
  inventory: Inventory,
  leader: string | undefined,
): ServiceEffects {
  const { leader: first, together, oneByOne } = sortWaves(stage, states, inventory);
  const found = startsFirst(stage, states, inventory);
  const about = found === undefined || found.asInventory === true ? '' : `, ${found.what}`;
  const inOrder = [...first, ...together, ...oneByOne];
  const touched = new Map<Action, Map<string, string[]>>();
  for (const host of inOrder) {
    const part = stage.hosts.get(host);
    const seen = states.get(host);
    if (part === undefined || seen === undefined) continue;
    for (const { resource, changes } of stepWork(part, seen).changes) {
      for (const { action } of changes) {
        const units = touched.get(action) ?? new Map<string, string[]>();
        const unit = resource.id.replace(/^(?:service|anew):/u, '');
        units.set(unit, [...(units.get(unit) ?? []), host]);
        touched.set(action, units);
      }
    }
  }
  const of = (action: Action): [string, string[]][] => [...(touched.get(action) ?? [])];
  return {
    sentences: [
      ...of('start').map(([unit, hosts]) => `${unit} starts on ${order(hosts, first, about)}`),
      ...of('restart').map(([unit, hosts]) => restart(unit, hosts, leader)),
      ...of('reload').map(([unit, hosts]) => `${unit} reloads on ${enumerate(hosts)}, without a restart`),
    ],
    restarted: new Set(touched.get('restart')?.keys()),
  };
}

/** `pg1, then on pg2 and pg3` where one goes before the others, with a clause about it after its name. */
function order(hosts: readonly string[], first: readonly string[], about: string): string {
  const others = hosts.filter((host) => !first.includes(host));
  const [leading] = hosts.filter((host) => first.includes(host));
  if (leading === undefined || others.length === 0) return enumerate(hosts);
  return `${leading}${about}, then on ${enumerate(others)}`;
}

function restart(unit: string, hosts: readonly string[], leader: string | undefined): string {
  const [first, ...rest] = hosts.map((host) => (host === leader ? `${host} (the leader)` : host));
  return `${unit} restarts on ${[first, ...rest.map((host) => `then ${host}`)].join(', ')}${rest.length > 0 ? ', one at a time' : ''}`;
}
