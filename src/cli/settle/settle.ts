import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { ExitCode, InputError, RefusedError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { primarySeen, streams } from '../../operations/index.js';
import { renderError } from '../../report/error-text.js';
import { writeAgain } from '../../store/files.js';
import { writing } from '../../store/writing.js';
import { errorLook } from '../colors.js';
import type { CommonOptions } from '../options.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { withLeader } from './leader-line.js';

/** Options of `pgprov settle`. */
export interface SettleOptions extends CommonOptions {
  /** Only say what would be written. */
  check?: boolean;
}

/** `pgprov settle`: asks the servers who is the primary, and has the inventory say so. No host is changed. */
export async function settle(file: string, options: SettleOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  const { inventory } = pipeline;
  assertStreams(inventory, options);
  return pipeline.carryOut({
    command: 'settle',
    shows: 'answer',
    tells: ['warning'],
    go: clusterRun(pipeline, { selection: { roles: ['postgresql', 'replication'] }, mode: 'survey' }),
    answer: async ({ exitCode, errors, view }) => {
      const seen = view === undefined ? undefined : primarySeen(view);
      // What keeps a host from answering says more than that none of the others is the primary.
      const failed = seen !== undefined && 'name' in seen ? [] : errors;
      if (seen === undefined || failed.length > 0) {
        environment.err.write(failed.map((error) => `${renderError(error, errorLook(environment.err))}\n`).join(''));
        return exitCode === ExitCode.done ? ExitCode.hostFailed : exitCode;
      }
      if ('objection' in seen) throw new RefusedError({ kind: 'settle/no-primary', ...seen.objection });
      pipeline.print(await settled(inventory, seen.name, options));
      return ExitCode.done;
    },
  });
}

/** @throws InputError where there is nothing to be settled, or no file to write it in */
function assertStreams({ cluster, hosts, leader }: Inventory, { lab }: SettleOptions): void {
  if (!streams({ hosts }))
    throw new InputError({
      kind: 'settle/not-streaming',
      message: `${cluster} has no servers that stream without Patroni: nobody has to say who leads it`,
      hint: `\`leader: ${leader}\` in the inventory is only where a new cluster begins`,
    });
  if (lab !== undefined)
    throw new InputError({
      kind: 'settle/lab',
      message: 'the inventory is made of the machines of a lab, so there is none to write in',
      hint: 'give an inventory file',
    });
}

/** Writes who is the primary; gives what is said of it. */
async function settled({ file, leader }: Inventory, primary: string, { check = false }: SettleOptions): Promise<string> {
  const name = basename(file);
  const text = await readFile(file, 'utf8');
  const changed = withLeader(text, primary);
  if (leader === primary) return `${primary} is the primary, as ${name} says. Nothing is to be settled.`;
  if (changed === undefined)
    throw new InputError({
      kind: 'settle/by-hand',
      message: `${file} is not written in a way in which pgprov could change one line of it`,
      hint: `write \`leader: ${primary}\` at the top of it`,
    });
  const lines = `- leader: ${leader}\n+ leader: ${primary}`;
  if (check) return `${primary} is the primary. ${name} would say so:\n${lines}`;
  await writing(file, () => writeAgain(file, changed));
  return `${primary} is the primary, and ${name} says so now:\n${lines}`;
}
