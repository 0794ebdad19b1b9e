import {
  describeReference,
  Secret,
  pgprov,
  type ClusterPassword,
  type Host,
  type Inventory,
  type OperationObjection,
  type OperationStart,
} from '../../index.js';

/** A password of the cluster, and the role on whose hosts it is used. */
export interface RolePassword extends ClusterPassword {
  role: string;
}

/** All passwords that the roles know. */
export function passwordsOf({ catalog }: Pick<OperationStart<object>, 'catalog'>): RolePassword[] {
  return catalog.flatMap((role) => (role.passwords?.() ?? []).map((password) => ({ ...password, role: role.name })));
}

/** Where a cluster's password is kept, if that is where pgprov can put another. */
export interface PasswordPlace {
  /** What the inventory gives; undefined when pgprov made the password. */
  given: Secret | undefined;
  /** The store of secrets it stands in, as written, and its name there; undefined when pgprov keeps it. */
  store?: { age: string; key: string };
}

/**
 * Finds out where the password at a path such as `replication.password` is kept; gives an objection where only its owner can
 * change it, or where it differs between hosts.
 */
export function keptWhere(path: string, hosts: readonly Host[], { file }: Pick<Inventory, 'file'>): PasswordPlace | OperationObjection {
  const given = hosts.map((host) => valueAt(host, path));
  const [first] = given;
  if (given.some((value) => value?.reveal() !== first?.reveal())) {
    const message = `${path} is not the same on all hosts`;
    return { kind: 'input', error: 'secrets/several', message, hint: 'give it once, at the top level of the inventory' };
  }
  if (first === undefined) return { given: undefined };
  const reference = hosts[0]?.provenance.get(path)?.reference;
  if (reference !== undefined && 'age' in reference) return { given: first, store: reference };
  return {
    kind: 'input',
    error: 'secrets/not-ours',
    message: `${path} is given by the ${reference === undefined ? `inventory ${file} itself` : describeReference(reference)}, which pgprov does not change`,
    hint: `give it a new value there and run ${pgprov`apply ${file}`}: that changes it on the cluster in the same way, on all members at once`,
  };
}

function valueAt(host: Host, path: string): Secret | undefined {
  const [section = '', key = ''] = path.split('.');
  const value = host.vars[section]?.[key];
  return value instanceof Secret ? value : undefined;
}
