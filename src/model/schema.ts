import { closed, PATH } from './closed-schema.js';
import { DEFAULT_DCS } from './default-dcs.js';
import type { RoleSchema, VariableSchema, VariablesSchema } from './role-schema.js';
import { SSH_SCHEMA } from './ssh-schema.js';

/** Roles of a host when nothing gives it any, as far as the catalog has them. */
export const DEFAULT_ROLES: readonly string[] = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', DEFAULT_DCS, 'patroni'];

/** Names that work as a host name, an etcd member and a Patroni member alike. */
export const HOST_NAME = '^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$';

/** As long as a name can be in DNS. */
const ADDRESS = { pattern: '^[A-Za-z0-9_:]([A-Za-z0-9_.:%-]{0,251}[A-Za-z0-9_:])?$', expects: 'an IP address or a name' } as const;

/** The closed schemas that the parts of an inventory are checked against, one by one. */
export interface InventorySchemas {
  top: VariablesSchema;
  group: VariablesSchema;
  host: VariablesSchema;
  /** `ssh` and the section of every role. */
  sections: ReadonlyMap<string, VariablesSchema>;
}

/** Hosts and their roles make the members of etcd and Patroni, and the name of a member is that of its host. */
const MEMBERSHIP = { operation: 'add, remove or rename a member' } as const;

const ANY_MAPPING: VariableSchema = { type: 'object' };

/** The schemas of an inventory whose roles are those of the catalog. */
export function inventorySchemas(roles: readonly RoleSchema[]): InventorySchemas {
  const sections = new Map<string, VariablesSchema>([['ssh', SSH_SCHEMA]]);
  for (const role of roles) {
    const description = role.variables.description ?? `Settings of the role ${role.name}. ${role.description}`;
    sections.set(role.name, { ...role.variables, description });
  }
  const anySections = Object.fromEntries(
    [...sections].map(([name, section]) => [name, { ...ANY_MAPPING, description: section.description ?? '' }]),
  );
  const rolesOf = (description: string): VariableSchema => ({
    type: 'array',
    items: { type: 'string', enum: roles.map((role) => role.name) },
    uniqueItems: true,
    change: MEMBERSHIP,
    description,
  });
  const stores = roles.flatMap(({ name, isStore }) => (isStore === true ? [name] : []));
  // Without any store, in a catalog of the user's own, there is nothing to choose.
  const dcs: Record<string, VariableSchema> =
    stores.length === 0
      ? {}
      : {
          dcs: {
            type: 'string',
            enum: stores,
            default: DEFAULT_DCS,
            change: 'recreate',
            description:
              'The store that Patroni keeps its cluster in: its role is in the default list of roles. Lists of your own name the role themselves.',
          },
        };
  return {
    top: {
      type: 'object',
      additionalProperties: false,
      required: ['cluster', 'hosts'],
      properties: {
        cluster: {
          type: 'string',
          change: 'recreate',
          description: 'Name of the cluster; the Patroni scope unless `patroni.scope` says otherwise.',
          pattern: '^[a-z0-9][a-z0-9_-]{0,62}$',
          expects: 'lower-case letters, digits, dashes and underscores, 63 at most',
          examples: ['demo'],
        },
        leader: {
          type: 'string',
          change: 'free',
          description:
            'Host that is the first leader of a new cluster, without Patroni its first primary. Default: the first host that can be it.',
        },
        ...dcs,
        roles: {
          ...rolesOf('Roles of every host that has no list of its own.'),
          default: DEFAULT_ROLES.filter((name) => roles.some((role) => role.name === name)),
        },
        rolesPath: {
          anyOf: [
            { type: 'string', ...PATH },
            { type: 'array', items: { type: 'string', ...PATH } },
          ],
          expects: 'a path or a list of paths',
          change: 'free',
          description:
            'Directories with roles of your own, relative to the inventory file; see [extending.md](extending.md). Their code runs on the control machine with your rights.',
          examples: ['roles'],
        },
        hosts: {
          type: 'object',
          change: MEMBERSHIP,
          description: 'The machines, by name; a plain string is short for `{address: …}`. Names become host names and member names.',
          minProperties: 1,
          expects: 'a mapping of host names to settings, with at least one host',
        },
        groups: {
          type: 'object',
          change: 'free',
          description: 'Settings for some of the hosts. Where groups overlap, the one listed later wins.',
          expects: 'a mapping of group names to settings',
        },
        ...anySections,
      },
    },
    group: {
      type: 'object',
      additionalProperties: false,
      properties: {
        hosts: {
          type: 'array',
          items: { type: 'string' },
          uniqueItems: true,
          change: 'free',
          description: 'Names of the hosts in the group.',
        },
        roles: rolesOf('Roles of the hosts in the group; replaces the list of the top level.'),
        ...anySections,
      },
    },
    host: {
      type: 'object',
      additionalProperties: false,
      required: ['address'],
      properties: {
        address: {
          type: 'string',
          change: 'free',
          description: 'Where SSH connects: an IPv4 or IPv6 address, or a name.',
          ...ADDRESS,
          examples: ['192.0.2.11'],
        },
        cluster_address: {
          type: 'string',
          change: { operation: 'readdress' },
          description: 'Where the other members reach the host. Default: `address`.',
          ...ADDRESS,
          examples: ['10.0.0.11'],
        },
        absent: {
          type: 'boolean',
          default: false,
          change: MEMBERSHIP,
          description:
            'The host is not to be part of the cluster any more. `apply` leaves it alone; see [how it is taken out](changes.md#a-host-that-is-to-go).',
        },
        roles: rolesOf('Roles of this host; replaces the list it would inherit.'),
        ...anySections,
      },
    },
    sections: new Map([...sections].map(([name, section]) => [name, closed(section) as VariablesSchema])),
  };
}
