import { InputError } from '../lib/errors.js';
import { childSchema } from './closed-schema.js';
import type { SourceDocument } from './document.js';
import { isMapping, own } from './mapping.js';
import type { Mapping, Path } from './mapping.js';
import { InventoryError, type Problem } from './problem.js';
import { Report } from './report.js';
import type { RoleSchema, VariableSchema } from './role-schema.js';
import { rolesDirectories } from './roles-path.js';
import { inventorySchemas } from './schema.js';

/** A machine of a lab that is a member of the cluster. */
export interface LabMember {
  name: string;
  /** Where the other members reach it; undefined where nobody knows yet. */
  clusterAddress: string | undefined;
}

/** What a lab's inventory is made of. */
export interface LabParts {
  /** All machines that may be members, in their order. */
  machines: readonly LabMember[];
  /** Configuration of OpenSSH in which each machine is found by its name, as the inventory is to name it. */
  sshConfig: string;
  /** The first leader, unless the user's inventory names one. */
  leader?: string;
  /** The user's own inventory, which refines the defaults. */
  refinement?: SourceDocument;
  /** Settings of groups and hosts that the Vagrantfile gives; they win. */
  groups?: Mapping;
  hostVars?: Mapping;
  roles: readonly RoleSchema[];
  /** Makes a path of the user's inventory, or of the Vagrantfile, absolute. */
  resolve: { refinement(path: string): string; vagrantfile(path: string): string };
}

/** The cluster's name where nobody gives one. */
const DEFAULT_CLUSTER = 'lab';

/** How one gets into a machine is told by Vagrant, and by no inventory that may be made for other machines. */
const WAY_IN = ['config', 'user', 'port', 'identity_file', 'key_passphrase', 'jump', 'host_key_policy', 'known_hosts'];

/**
 * The inventory of a lab, as plain data: defaults, over them the user's inventory, over it the Vagrantfile's settings.
 * @throws InputError when a host of the user's inventory, or of the Vagrantfile's `host_vars`, is no machine of the lab
 */
export function labInventory(parts: LabParts): Mapping {
  const { refinement, resolve } = parts;
  const sections = inventorySchemas(parts.roles).sections;
  const given = isMapping(refinement?.value) ? absolute(refinement.value, sections, resolve.refinement) : {};
  const members = membersOf(parts, given);
  // Machines that the user's inventory leaves out are no mistake of the Vagrantfile, which knows nothing of it.
  const aside = parts.machines.map(({ name }) => name).filter((name) => !members.some((member) => member.name === name));
  const hostVars = without(parts.hostVars ?? {}, aside);
  const groups = mapped(parts.groups ?? {}, (group) => groupWithout(group, aside));
  const unknown = Object.keys(hostVars).find((name) => !members.some((member) => member.name === name));
  if (unknown !== undefined) {
    throw new InputError({
      kind: 'lab/unknown-host',
      message: `the Vagrantfile's host_vars name ${unknown}, which is no machine of the cluster`,
      hint: `machines: ${members.map(({ name }) => name).join(', ')}`,
    });
  }
  const base = {
    cluster: DEFAULT_CLUSTER,
    ...(parts.leader === undefined || !members.some(({ name }) => name === parts.leader) ? {} : { leader: parts.leader }),
    ssh: { config: parts.sshConfig },
    hosts: Object.fromEntries(
      members.map(({ name, clusterAddress }) => [
        name,
        { address: name, ...(clusterAddress === undefined ? {} : { cluster_address: clusterAddress }) },
      ]),
    ),
  };
  const vagrantfile = absolute(
    {
      ...(Object.keys(groups).length === 0 ? {} : { groups }),
      ...(Object.keys(hostVars).length === 0 ? {} : { hosts: hostVars }),
    },
    sections,
    resolve.vagrantfile,
  );
  return over(over(base, withoutWaysIn(given)), vagrantfile);
}

/** The machines that the user's inventory lists, else all. */
function membersOf({ machines, refinement }: LabParts, given: Mapping): LabMember[] {
  const listed = own(given, 'hosts');
  if (!isMapping(listed) || refinement === undefined) return [...machines];
  const report = new Report(refinement);
  const members = refinement.keys(['hosts']).flatMap((name) => {
    const machine = machines.find((candidate) => candidate.name === name);
    if (machine === undefined)
      report.add(['hosts', name], 'is no machine of this lab', {
        at: 'key',
        hint: `machines: ${machines.map((known) => known.name).join(', ')}`,
      });
    return machine ?? [];
  });
  if (report.problems.length > 0) throw new InventoryError(report.problems);
  return members;
}

/** The user's inventory without what it says of addresses and logins. */
function withoutWaysIn(given: Mapping): Mapping {
  const hosts = own(given, 'hosts');
  const groups = own(given, 'groups');
  return {
    ...stripped(given),
    ...(isMapping(groups) ? { groups: mapped(groups, (group) => (isMapping(group) ? stripped(group) : group)) } : {}),
    ...(isMapping(hosts) ? { hosts: mapped(hosts, hostWithoutWayIn) } : {}),
  };
}

/** An address alone says nothing here; what can be no host is left for the loader to refuse. */
function hostWithoutWayIn(host: unknown): unknown {
  if (isMapping(host)) return without(stripped(host), ['address']);
  return host === null || typeof host === 'string' ? {} : host;
}

/** A group as an inventory has it; the Vagrantfile may give just a list of machines. */
function groupWithout(group: unknown, aside: readonly string[]): unknown {
  const settings = Array.isArray(group) ? { hosts: group } : group;
  if (!isMapping(settings) || !Array.isArray(settings['hosts'])) return settings;
  return { ...settings, hosts: settings['hosts'].filter((name: unknown) => !aside.includes(String(name))) };
}

function stripped(settings: Mapping): Mapping {
  const ssh = own(settings, 'ssh');
  if (!isMapping(ssh)) return settings;
  const rest = without(ssh, WAY_IN);
  return Object.keys(rest).length === 0 ? without(settings, ['ssh']) : { ...settings, ssh: rest };
}

function without(mapping: Mapping, keys: readonly string[]): Mapping {
  return Object.fromEntries(Object.entries(mapping).filter(([key]) => !keys.includes(key)));
}

function mapped(mapping: Mapping, change: (value: unknown, key: string) => unknown): Mapping {
  return Object.fromEntries(Object.entries(mapping).map(([key, value]) => [key, change(value, key)]));
}

/** Mappings merge key by key; everything else replaces. */
function over(below: Mapping, above: Mapping): Mapping {
  const merged = Object.entries(above).map(([key, value]) => {
    const under = own(below, key);
    return [key, isMapping(under) && isMapping(value) ? over(under, value) : value] as const;
  });
  return { ...below, ...Object.fromEntries(merged) };
}

/** Paths start in the directory of the file that holds them, and the lab's inventory lies in another. */
function absolute(top: Mapping, sections: ReadonlyMap<string, VariableSchema>, resolve: (path: string) => string): Mapping {
  const inSettings = (settings: unknown): unknown => {
    if (!isMapping(settings)) return settings;
    return Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [key, sections.has(key) ? inSection(value, sections.get(key), key === 'ssh') : value]),
    );
  };
  const inSection = (value: unknown, schema: VariableSchema | undefined, ssh: boolean): unknown => {
    if (!isMapping(value)) return value;
    if (schema?.secret)
      return mapped(value, (child, key) => (typeof child === 'string' && ['file', 'age'].includes(key) ? resolve(child) : child));
    const entries = Object.entries(value).map(([key, child]) => {
      const isPath = ssh && ['config', 'identity_file', 'known_hosts'].includes(key);
      if (isPath && typeof child === 'string') return [key, resolve(child)];
      if (isPath && Array.isArray(child)) return [key, child.map((item: unknown) => (typeof item === 'string' ? resolve(item) : item))];
      return [key, inSection(child, childSchema(schema, key), false)];
    });
    return Object.fromEntries(entries) as Mapping;
  };
  const parts = (key: string): Mapping => {
    const value = own(top, key);
    return isMapping(value) ? { [key]: mapped(value, inSettings) } : {};
  };
  const directories = rolesDirectories(top, resolve);
  return {
    ...(inSettings(top) as Mapping),
    ...(directories.length === 0 ? {} : { rolesPath: directories }),
    ...parts('groups'),
    ...parts('hosts'),
  };
}

/**
 * Names, for messages, where a place in a lab's inventory is in the file that it was taken from. `made` was made of
 * `original` and more.
 */
export function relocator(
  made: SourceDocument,
  original: SourceDocument,
): <Place extends Partial<Pick<Problem, 'file' | 'line' | 'column'>>>(place: Place) => Place {
  const known = new Map<string, { line: number; column: number }>();
  const visit = (path: Path, inMade: unknown, inOriginal: unknown): void => {
    if (inMade === undefined) return;
    for (const at of ['value', 'key'] as const) {
      const { line, column } = made.position(path, at);
      known.set(`${line}:${column}`, original.position(path, at));
    }
    if (isMapping(inOriginal) && isMapping(inMade)) {
      for (const [key, value] of Object.entries(inOriginal)) visit([...path, key], own(inMade, key), value);
    } else if (Array.isArray(inOriginal) && Array.isArray(inMade)) {
      inOriginal.forEach((value, index) => visit([...path, index], inMade[index], value));
    }
  };
  if (isMapping(original.value) && isMapping(made.value)) {
    for (const [key, value] of Object.entries(original.value)) visit([key], own(made.value, key), value);
  }
  return (place) => {
    const found = place.file === made.file ? known.get(`${place.line}:${place.column}`) : undefined;
    return found === undefined ? place : { ...place, file: original.file, ...found };
  };
}
