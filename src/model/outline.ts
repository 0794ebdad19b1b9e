import type { SourceDocument } from './document.js';
import { isMapping, own, stringsOf } from './mapping.js';
import type { Mapping, Path } from './mapping.js';

/** A place that gives settings to hosts: the top level, a group, a host, a `--set` option. */
export interface Layer {
  /** `top level`, `group replicas`, `host pg1`, `--set postgresql.port`. */
  via: string;
  /** Way to it in the file; of no meaning for `--set`. */
  path: Path;
  /** What it holds, sections and other keys alike. */
  settings: Mapping;
  origin: 'file' | 'set';
}

export interface OutlinedHost extends Layer {
  name: string;
}

export interface OutlinedGroup extends Layer {
  name: string;
  /** Members as written; they may be unknown. */
  members: readonly string[];
}

/** The parts of an inventory, as far as they have the right shape; what does not is the validation's to report. */
export interface Outline {
  top: Layer;
  hosts: readonly OutlinedHost[];
  groups: readonly OutlinedGroup[];
}

export function outlineOf(document: SourceDocument, value: Mapping): Outline {
  const parts = (key: 'hosts' | 'groups'): { name: string; path: Path; settings: Mapping }[] => {
    const mapping = own(value, key);
    if (!isMapping(mapping)) return [];
    return document.keys([key]).map((name) => {
      const settings = settingsOf(own(mapping, name), key);
      return { name, path: [key, name], settings };
    });
  };
  return {
    top: { via: 'top level', path: [], settings: value, origin: 'file' },
    hosts: parts('hosts').map((part) => ({ ...part, via: `host ${part.name}`, origin: 'file' })),
    groups: parts('groups').map((part) => {
      const members = [...new Set(stringsOf(own(part.settings, 'hosts')))];
      return { ...part, members, via: `group ${part.name}`, origin: 'file' };
    }),
  };
}

/** A host may be given as its address alone; nothing at all is the same as no settings. */
function settingsOf(value: unknown, key: 'hosts' | 'groups'): Mapping {
  if (isMapping(value)) return value;
  return key === 'hosts' && typeof value === 'string' ? { address: value } : {};
}
