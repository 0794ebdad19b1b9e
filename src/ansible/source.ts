/** A value that Ansible Vault has encrypted; it is never read. */
export const VAULTED = Symbol('encrypted with Ansible Vault');

/** Why an expression is not taken; it is not shown, because it may hold a password. */
export const EXPRESSION = 'an expression, which only Ansible evaluates';

/** Whether a value is an expression of Jinja. */
export function isExpression(value: unknown): boolean {
  return typeof value === 'string' && /\{[{%]/u.test(value);
}

/** A variable as an inventory of Ansible gives it. */
export interface AnsibleVariable {
  value: unknown;
  /** `hosts.ini:4`, or a file of group_vars. */
  at: string;
}

export type AnsibleVariables = Map<string, AnsibleVariable>;

/** A group as it is written; names of hosts are expanded. */
export interface AnsibleGroup {
  hosts: Set<string>;
  children: Set<string>;
  vars: AnsibleVariables;
}

/** An inventory of Ansible as it is written, before variables are inherited. */
export class AnsibleSource {
  /** In the order in which they are met; `all` has everything. */
  readonly groups = new Map<string, AnsibleGroup>();
  /** The hosts' own variables, in the order in which hosts are met. */
  readonly hosts = new Map<string, AnsibleVariables>();
  /** What could not be made sense of, with its place. */
  readonly notes: string[] = [];

  group(name: string): AnsibleGroup {
    const known = this.groups.get(name);
    if (known !== undefined) return known;
    const made = { hosts: new Set<string>(), children: new Set<string>(), vars: new Map() as AnsibleVariables };
    this.groups.set(name, made);
    return made;
  }

  /** Puts a host into a group, with variables of its own. */
  addHost(group: string, name: string, vars: Iterable<readonly [string, AnsibleVariable]>): void {
    this.group(group).hosts.add(name);
    const own = this.hosts.get(name) ?? (new Map() as AnsibleVariables);
    for (const [key, variable] of vars) own.set(key, variable);
    this.hosts.set(name, own);
  }
}
