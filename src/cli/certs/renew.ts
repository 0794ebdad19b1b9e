import { X509Certificate } from 'node:crypto';
import { ExitCode, InputError, PgprovError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { Authority } from '../../store/authority.js';
import { daysLeft, type Renewal } from '../../store/renewal.js';
import { certificatesDirectory } from '../../store/store.js';
import type { RotationPhase } from '../../store/trust.js';
import { loadFor } from '../inventory.js';
import { tell } from '../tell.js';
import { Rounds, type RenewOptions } from './rounds.js';

/** The phases of a rotation in order, and what they do, for people. */
const PHASES: readonly { phase: RotationPhase; what: string }[] = [
  { phase: 'trust', what: 'the hosts learn to trust the new authority beside the old one' },
  { phase: 'issue', what: 'every host gets a certificate of the new authority' },
  { phase: 'drop', what: 'the hosts forget the old authority' },
];

/** `pgprov certs renew`: new certificates for nodes, or with `--ca` a new authority; one member at a time, each proved. */
export async function renew(file: string, options: RenewOptions): Promise<ExitCode> {
  const inventory = await loadFor(file, options);
  const authority = await openAuthority(inventory);
  if (authority.certificate === undefined) throw neverApplied(inventory);
  const rounds = new Rounds(inventory, options);
  if (options.ca === true) return rotate(authority, rounds, options);
  if (hasExpired(authority)) throw authorityExpired(inventory);
  const renewal: Renewal = { withinDays: options.within, ...(options.all === true ? { all: true } : {}) };
  return rounds.carryOut(renewal, `No certificate has to be renewed: all are of the cluster’s authority and last for more than ${options.within} days.`);
}

/** Begins a rotation, or goes on with the one that is under way, phase by phase. */
async function rotate(authority: Authority, rounds: Rounds, options: RenewOptions): Promise<ExitCode> {
  const given = (['host', 'group', 'all'] as const).find((name) => options[name] !== undefined);
  if (given !== undefined) {
    throw new InputError({
      kind: 'certs/whole-cluster',
      message: `--ca gives every host a new certificate, and --${given} does not go with it`,
      hint: 'leave it out',
    });
  }
  const say = (text: string): void => tell([{ type: 'note', text }], options.output);
  const expired = hasExpired(authority);
  const begun = PHASES.findIndex(({ phase }) => phase === authority.phase);
  if (expired) say('the certificate authority has expired: all hosts get a new one at once');
  for (const [index, { phase, what }] of PHASES.entries()) {
    if (index < begun || (expired && phase !== 'drop')) continue;
    if (!expired) say(`phase ${index + 1} of ${PHASES.length}: ${what}`);
    const code = await rounds.carryOut(expired ? { rotation: 'replace' } : index === begun ? {} : { rotation: phase });
    if (code !== ExitCode.done || options.check === true) return code;
  }
  await rounds.finishRotation();
  say('the cluster has a new certificate authority; nothing trusts the old one any more');
  return ExitCode.done;
}

function openAuthority({ dir, cluster }: Inventory): Promise<Authority> {
  return Authority.open(certificatesDirectory(dir, cluster), cluster);
}

function hasExpired({ certificate }: Authority): boolean {
  return certificate !== undefined && daysLeft(new X509Certificate(certificate)) < 0;
}

function neverApplied({ cluster }: Inventory): InputError {
  return new InputError({
    kind: 'certs/none',
    message: `there are no certificates of ${cluster} beside this inventory`,
    hint: `the first \`pgprov apply\` makes them; if the cluster was made from elsewhere, bring .pgprov/${cluster}/ from there`,
  });
}

function authorityExpired({ cluster }: Inventory): PgprovError {
  return new PgprovError({
    kind: 'certs/ca-expired',
    message: `the certificate authority of ${cluster} has expired, so no certificate of it is of use`,
    hint: 'run `pgprov certs renew --ca`, which makes a new one and brings the cluster back',
  });
}
