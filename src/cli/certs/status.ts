import { ExitCode } from '../../lib/errors.js';
import { renderCertificates } from '../../report/certificates-text.js';
import { adviceOf, certificateProblemsOf, expiringOf } from '../../report/certificates.js';
import { certificatePlaces } from '../../plan/tls.js';
import { catalogOf } from '../catalog.js';
import { errorLook } from '../colors.js';
import { selectionOf, type SelectionFlags, type CommonOptions } from '../options.js';
import { hinderedBy, unfinishedOperation } from '../operations/unfinished.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { certificatesOf, readKept } from './status-of.js';

/** Options of `pgprov certs status`. */
export interface CertsStatusOptions extends CommonOptions, SelectionFlags {
  /** Days. */
  within: number;
  json?: boolean;
}

/** `pgprov certs status`: what expires when, and whether hosts have and use what is in the store. */
export async function certsStatus(file: string, options: CertsStatusOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  const { inventory } = pipeline;
  const catalog = catalogOf(inventory);
  const places = certificatePlaces(catalog, inventory);
  const { hosts } = selectionOf(inventory, options);
  return pipeline.carryOut({
    command: 'certs status',
    shows: 'answer',
    tells: ['warning'],
    hosts: inventory.hosts.filter(({ name }) => hosts?.includes(name) !== false),
    go: clusterRun(pipeline, {
      selection: { ...(hosts === undefined ? {} : { hosts }), roles: places.map(({ role }) => role) },
      mode: 'survey',
      inspects: true,
    }),
    answer: async ({ exitCode, errors, view, proposal: { refusal } }) => {
      const [kept, unfinished] = [await readKept(inventory, places), await unfinishedOperation(inventory)];
      const whole = certificatesOf({ inventory, catalog, kept, view, errors, withinDays: options.within });
      const status = {
        ...whole,
        ...hinderedBy(unfinished),
        ...(refusal === undefined ? {} : { refusal }),
        places: whole.places.filter(({ host }) => hosts?.includes(host) !== false),
      };
      const [expiring, problems] = [expiringOf(status), certificateProblemsOf(status)];
      pipeline.print(
        options.json === true
          ? JSON.stringify({ ...status, expiring, problems, advice: adviceOf(status) }, undefined, 2)
          : renderCertificates(status, errorLook(environment.out)),
      );
      if (expiring.length > 0) return ExitCode.expiring;
      if (exitCode !== ExitCode.done) return exitCode;
      return problems.length === 0 ? ExitCode.done : ExitCode.hostFailed;
    },
  });
}
