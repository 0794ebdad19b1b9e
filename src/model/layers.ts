import type { SourceDocument } from './document.js';
import type { Provenance } from './inventory.js';
import { isMapping, own, stringsOf } from './mapping.js';
import type { Path } from './mapping.js';
import type { Layer, Outline, OutlinedHost } from './outline.js';
import type { Override } from './overrides.js';
import type { RoleSchema } from './role-schema.js';
import { DEFAULT_DCS } from './default-dcs.js';
import { DEFAULT_ROLES } from './schema.js';

/** Where a host's settings come from, weakest first: top level, its groups as listed, itself, `--set`. */
export function layersOf(host: OutlinedHost, outline: Outline, overrides: readonly Override[]): Layer[] {
  return [
    outline.top,
    ...outline.groups.filter((group) => group.members.includes(host.name)),
    host,
    ...overrides.filter((override) => override.host === undefined),
    ...overrides.filter((override) => override.host === host.name),
  ];
}

/** The provenance of what a layer holds at a path. */
export function originOf(layer: Layer, document: SourceDocument, path: Path): Provenance {
  if (layer.origin === 'set') return { kind: 'set', via: layer.via };
  const at = [...layer.path, ...path];
  const value = path.reduce<unknown>((below, key) => (isMapping(below) ? own(below, String(key)) : undefined), layer.settings);
  const entries = Array.isArray(value) ? { entries: value.map((_, index) => document.position([...at, index])) } : {};
  return { kind: 'file', file: document.file, ...document.position(at), via: layer.via, ...entries };
}

/** The roles of one host, and the list that gives them. */
export interface ResolvedRoles {
  names: string[];
  /** The layer whose list it is; undefined for the default list. */
  layer: Layer | undefined;
}

/**
 * The last list of roles that the layers hold, without the names that no role has.
 * @param dcs the store’s role in the default list
 */
export function rolesOf(layers: readonly Layer[], roles: readonly RoleSchema[], dcs: string = DEFAULT_DCS): ResolvedRoles {
  const layer = layers.findLast((candidate) => Array.isArray(own(candidate.settings, 'roles')));
  const wanted =
    layer === undefined ? DEFAULT_ROLES.map((name) => (name === DEFAULT_DCS ? dcs : name)) : stringsOf(own(layer.settings, 'roles'));
  const known = wanted.filter((name) => roles.some((role) => role.name === name));
  return { names: [...new Set(known)], layer };
}

/** The layers that hold settings of a section. */
export function layersWith(layers: readonly Layer[], section: string): Layer[] {
  return layers.filter((layer) => isMapping(own(layer.settings, section)));
}
