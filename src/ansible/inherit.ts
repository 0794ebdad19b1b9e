import type { AnsibleSource, AnsibleVariables } from './source.js';

/** A host with what it inherits. */
export interface AnsibleHost {
  name: string;
  /** All groups it is in, also through other groups, without `all` and `ungrouped`. */
  groups: string[];
  vars: AnsibleVariables;
}

/** The hosts with their variables as Ansible gives them: `all` first, parents before children, the host's own last. */
export function inheritVariables(source: AnsibleSource): AnsibleHost[] {
  const depths = depthsOf(source);
  const order = [...source.groups.keys()].sort((a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0) || (a < b ? -1 : 1));
  return [...source.hosts].map(([name, own]) => {
    const groups = order.filter((group) => membersOf(source, group).has(name));
    const inherited = ['all', ...groups.filter((group) => group !== 'all')].flatMap((group) => [...(source.groups.get(group)?.vars ?? [])]);
    return { name, groups: groups.filter((group) => group !== 'all' && group !== 'ungrouped'), vars: new Map([...inherited, ...own]) };
  });
}

/** The hosts of a group and of all below it. */
export function membersOf(source: AnsibleSource, group: string, seen: ReadonlySet<string> = new Set()): ReadonlySet<string> {
  if (seen.has(group)) return new Set();
  const { hosts = [], children = [] } = source.groups.get(group) ?? {};
  const inside = new Set([...seen, group]);
  return new Set([...hosts, ...[...children].flatMap((child) => [...membersOf(source, child, inside)])]);
}

/** How far below `all` a group is, at most; groups that contain each other are cut off. */
function depthsOf({ groups }: AnsibleSource): Map<string, number> {
  const depths = new Map<string, number>();
  const visit = (name: string, depth: number, above: readonly string[]): void => {
    if (above.includes(name) || depth <= (depths.get(name) ?? -1)) return;
    depths.set(name, depth);
    for (const child of groups.get(name)?.children ?? []) visit(child, depth + 1, [...above, name]);
  };
  for (const name of groups.keys()) visit(name, name === 'all' ? 0 : 1, []);
  return depths;
}
