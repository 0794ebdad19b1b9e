import { withName, type Host, type Inventory } from '../model/index.js';
import { findPlatform, type Platform } from '../platform/index.js';
import { type Handle, stateOf } from '../resources/handle.js';
import { HOST_FACTS } from '../resources/host-facts.js';

/** What is known of the cluster at one moment: the inventory, and what each surveyed host answered. */
export class View {
  readonly inventory: Inventory;
  readonly #states: ReadonlyMap<string, ReadonlyMap<string, unknown>>;

  constructor(inventory: Inventory, states: ReadonlyMap<string, ReadonlyMap<string, unknown>>) {
    this.inventory = inventory;
    this.#states = states;
  }

  /** The surveyed hosts that have the role, in inventory order. */
  hosts(role: string): Host[] {
    return this.inventory.hosts.filter((host) => host.roles.includes(role) && this.#states.has(host.name));
  }

  /** True when every host of the role was surveyed in this run. */
  complete(role: string): boolean {
    return this.inventory.hosts.every((host) => !host.roles.includes(role) || this.#states.has(host.name));
  }

  /** True when the host is part of this run; one that is not may well be off. */
  surveyed(host: string): boolean {
    return this.#states.has(host);
  }

  /** What an observation saw on a host; undefined when it was not asked. */
  read<State>(host: string, handle: Handle<State>): State | undefined {
    return stateOf(this.#states.get(host), handle);
  }

  /** The same where a host is called by another name. */
  called(host: string, name: string): View {
    return new View(
      withName(this.inventory, host, name),
      new Map([...this.#states].map(([each, states]) => [each === host ? name : each, states])),
    );
  }

  /** What the host runs; undefined when it was not surveyed. */
  platform(host: string): Platform | undefined {
    const facts = this.read(host, HOST_FACTS);
    return facts === undefined ? undefined : findPlatform(facts.os, facts.version);
  }
}
