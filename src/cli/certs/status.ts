import { ExitCode, type PgprovError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { renderCertificates } from '../../report/certificates-text.js';
import { adviceOf, certificateProblemsOf, expiringOf } from '../../report/certificates.js';
import { Authority } from '../../store/authority.js';
import type { KeyPair } from '../../store/issue.js';
import { certificatesDirectory } from '../../store/store.js';
import { runOnHosts } from '../cluster-run.js';
import { colors } from '../colors.js';
import { loadFor, printWarnings } from '../inventory.js';
import { aimOf, type Aimed, type CommonOptions } from '../options.js';
import { CERTIFICATE_ROLES, inspecting } from './catalog.js';
import { placesOf } from './places.js';
import { certificatesOf, type Kept } from './status-of.js';

/** Options of `pgprov certs status`. */
export interface CertsStatusOptions extends CommonOptions, Aimed {
  /** Days. */
  within: number;
  json?: boolean;
}

/** `pgprov certs status`: what expires when, and whether hosts have and use what is in the store. */
export async function certsStatus(file: string, options: CertsStatusOptions): Promise<ExitCode> {
  const inventory = await loadFor(file, options);
  printWarnings(inventory);
  const { hosts } = aimOf(inventory, options);
  const errors: PgprovError[] = [];
  const outcome = await runOnHosts({
    inventory,
    aim: { ...(hosts === undefined ? {} : { hosts }), roles: CERTIFICATE_ROLES },
    mode: 'survey',
    roles: inspecting,
    emit: (event) => {
      if (event.type === 'failed') errors.push(event.error);
    },
  });
  const whole = certificatesOf(inventory, await readKept(inventory), outcome.view, errors, options.within);
  const status = { ...whole, places: whole.places.filter(({ host }) => hosts?.includes(host) !== false) };
  const [expiring, problems] = [expiringOf(status), certificateProblemsOf(status)];
  const text =
    options.json === true
      ? JSON.stringify({ ...status, expiring, problems, advice: adviceOf(status) }, undefined, 2)
      : renderCertificates(status, { color: colors(process.stdout) });
  process.stdout.write(`${text}\n`);
  if (expiring.length > 0) return ExitCode.expiring;
  if (outcome.exitCode !== ExitCode.done) return outcome.exitCode;
  return problems.length === 0 ? ExitCode.done : ExitCode.hostFailed;
}

async function readKept(inventory: Inventory): Promise<Kept> {
  const authority = await Authority.open(certificatesDirectory(inventory.dir, inventory.cluster), inventory.cluster);
  const names = [...new Set(placesOf(inventory).map(({ host }) => host.name))];
  const pairs = await Promise.all(names.map(async (name): Promise<[string, KeyPair | undefined]> => [name, await authority.node(name)]));
  return { authority, pairs: new Map(pairs.filter((entry): entry is [string, KeyPair] => entry[1] !== undefined)) };
}
