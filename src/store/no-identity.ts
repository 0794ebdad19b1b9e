import { InputError } from '../lib/errors.js';

/** A role asks for the key pair of a host for which no role says that it has one, or for an authority that no host has a pair of. */
export class NoIdentity extends InputError {
  /** The host whose pair was asked for; undefined: the authority was. */
  readonly of: string | undefined;

  /** @param role the one that asks, where that is known */
  constructor(of: string | undefined, role?: string) {
    const what = of === undefined ? 'the cluster has no certificate authority' : "it has no key pair of the cluster's authority";
    const asker = role === undefined ? 'the role that asks for it' : `the role ${role}`;
    super({
      kind: 'roles/no-identity',
      message: `${role === undefined ? '' : `role ${role}: `}no role ${of === undefined ? 'of any host' : `of ${of}`} declares \`tls\`, so ${what}`,
      hint: `declare \`tls\` in ${asker}; see “Ports, keys and status lines” in docs/extending.md`,
      ...(of === undefined ? {} : { host: of }),
    });
    this.of = of;
  }
}
