import { isDeepStrictEqual } from 'node:util';
import { Secret } from '../lib/secret.js';
import type { Host, Provenance } from './inventory.js';
import type { ResolvedRoles } from './layers.js';
import { isMapping, own } from './mapping.js';
import type { Report } from './report.js';
import type { NamedHosts, RoleSchema, VariableSchema } from './role-schema.js';
import { allOf, describeActual } from './words.js';

/** Reports roles that stand without those they need on the same host; once for each list of roles. */
export function checkRequirements(
  hosts: readonly { name: string; roles: ResolvedRoles }[],
  roles: readonly RoleSchema[],
  report: Report,
): void {
  for (const { name, roles: has } of hosts) {
    for (const role of roles.filter((candidate) => has.names.includes(candidate.name))) {
      for (const needed of role.requires ?? []) {
        if (has.names.includes(needed)) continue;
        const path = has.layer === undefined ? ['hosts', name] : [...has.layer.path, 'roles'];
        report.add(path, `role "${role.name}" needs role "${needed}" on the same host`, { hint: `add ${needed} to the list` });
      }
    }
  }
}

/** Reports variables that a role requires and nothing gives. */
export function checkRequired(hosts: readonly Host[], roles: readonly RoleSchema[], report: Report): void {
  for (const role of roles) {
    const holders = hosts.filter((host) => host.roles.includes(role.name));
    const lacking = new Map<string, string[]>();
    for (const host of holders) {
      for (const path of missingIn(role.variables, host.vars[role.name], role.name)) {
        lacking.set(path, [...(lacking.get(path) ?? []), host.name]);
      }
    }
    for (const [path, names] of lacking) {
      const first = names[0] ?? '';
      const everywhere = names.length === holders.length;
      const whose = everywhere ? '' : ` on ${allOf(names)}`;
      report.add(everywhere ? ['hosts'] : ['hosts', first], `role "${role.name}" needs ${path}, which nothing sets${whose}`, { at: 'key' });
    }
  }
}

/** Dotted paths of what a schema requires and a value lacks; `path` is that of the value. */
export function missingIn(schema: VariableSchema, value: unknown, path: string): string[] {
  if (!isMapping(value)) return [];
  const missing = (schema.required ?? []).filter((key) => own(value, key) === undefined).map((key) => `${path}.${key}`);
  const nested = Object.entries(schema.properties ?? {}).flatMap(([key, child]) => missingIn(child, own(value, key), `${path}.${key}`));
  return [...missing, ...nested];
}

/** Reports variables that must be one value for the whole cluster and are not; each names both places. */
export function checkScopes(hosts: readonly Host[], roles: readonly RoleSchema[], report: Report): void {
  for (const role of roles) {
    const holders = hosts.filter((host) => host.roles.includes(role.name));
    const [first] = holders;
    if (first === undefined) continue;
    for (const { path, schema } of clusterVariables(role.variables, [])) {
      const valueOn = (host: Host): unknown =>
        path.reduce<unknown>((value, key) => (isMapping(value) ? own(value, key) : undefined), host.vars[role.name]);
      const deviant = holders.find((host) => !sameValue(valueOn(host), valueOn(first)));
      if (deviant === undefined) continue;
      const dotted = [role.name, ...path].join('.');
      const from = (host: Host): Provenance | undefined => provenanceOf(host, dotted);
      const say = (host: Host): string =>
        `${schema.secret ? 'one value' : describeActual(valueOn(host))} on ${host.name} (${describeOrigin(from(host))})`;
      const at = from(deviant)?.kind === 'default' ? from(first) : from(deviant);
      const adding = [first, deviant].map(from).find((origin) => origin?.kind === 'role')?.via;
      const hint = adding === undefined ? 'set it at the top level' : `give every one of these hosts the ${adding}, or none of them`;
      report.addFor(dotted, at, `must be the same on every host: ${say(first)}, ${say(deviant)}`, hint);
    }
  }
}

/** Reports what roles have against values that meet their schemas, or what they think is not meant. */
export function checkValues(
  inventory: NamedHosts,
  roles: readonly RoleSchema[],
  report: Report,
  which: 'problems' | 'warnings' = 'problems',
): void {
  for (const role of roles) {
    const holders = inventory.hosts.filter((host) => host.roles.includes(role.name));
    if (holders.length === 0) continue;
    for (const { host, path, entry, message, hint } of role[which]?.(holders, inventory) ?? []) {
      report.addFor(entry === undefined ? path : `${path}[${entry}]`, host.provenance.get(path), message, hint, entry);
    }
  }
}

function clusterVariables(schema: VariableSchema, path: readonly string[]): { path: readonly string[]; schema: VariableSchema }[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) =>
    child.scope === 'cluster' ? [{ path: [...path, key], schema: child }] : clusterVariables(child, [...path, key]),
  );
}

/** Of secrets that were not fetched nothing is known, so nothing is held against them. */
function sameValue(a: unknown, b: unknown): boolean {
  if (a instanceof Secret && b instanceof Secret) return !a.isHere || !b.isHere || a.reveal() === b.reveal();
  return isDeepStrictEqual(a, b);
}

/** Of a mapping, the place of the first leaf that was not left at its default. */
function provenanceOf(host: Host, dotted: string): Provenance | undefined {
  const inside = [...host.provenance].filter(([path]) => path === dotted || path.startsWith(`${dotted}.`)).map(([, from]) => from);
  return inside.find((from) => from.kind !== 'default') ?? inside[0];
}

function describeOrigin(from: Provenance | undefined): string {
  if (from === undefined || from.kind === 'default') return 'default';
  return from.kind === 'file' ? `${from.via}, line ${from.line}` : (from.via ?? '--set');
}
