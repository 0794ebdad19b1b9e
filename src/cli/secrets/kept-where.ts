import { InputError } from '../../lib/errors.js';
import { Secret } from '../../lib/secret.js';
import type { Host, Inventory } from '../../model/index.js';
import { describeReference } from '../../secrets/reference.js';

/** Where a cluster's password is kept, if that is where pgprov can put another. */
export interface Kept {
  /** What the inventory gives; undefined when pgprov made the password. */
  given: Secret | undefined;
  /** The store of secrets it stands in, as written, and its name there; undefined when pgprov keeps it. */
  store?: { age: string; key: string };
}

/**
 * Finds out where the password at a path such as `replication.password` is kept.
 * @throws InputError when it comes from somewhere that only its owner can change, or differs between hosts
 */
export function keptWhere(path: string, hosts: readonly Host[], { file }: Pick<Inventory, 'file'>): Kept {
  const given = hosts.map((host) => valueAt(host, path));
  const [first] = given;
  if (given.some((value) => value?.reveal() !== first?.reveal())) {
    throw new InputError({ kind: 'secrets/several', message: `${path} is not the same on all hosts`, hint: 'give it once, at the top level of the inventory' });
  }
  if (first === undefined) return { given: undefined };
  const provenance = hosts[0]?.provenance.get(path);
  const reference = provenance?.reference;
  if (reference !== undefined && 'age' in reference) return { given: first, store: reference };
  throw new InputError({
    kind: 'secrets/not-ours',
    message: `${path} is given by the ${reference === undefined ? `inventory ${file} itself` : describeReference(reference)}, which pgprov does not change`,
    hint: 'give it a new value there and run `pgprov apply`: that changes it on the cluster in the same way, on all members at once',
  });
}

function valueAt(host: Host, path: string): Secret | undefined {
  const [section = '', key = ''] = path.split('.');
  const value = host.vars[section]?.[key];
  return value instanceof Secret ? value : undefined;
}
