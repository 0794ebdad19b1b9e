import { existsSync } from 'node:fs';
import { defineOperation } from '../index.js';
import { snapshotSteps } from './shared/snapshot-steps.js';

interface SnapshotOptions {
  /** The file; undefined: one beside the inventory. */
  to?: string;
}

export default defineOperation<SnapshotOptions>({
  name: 'snapshot',
  description: 'save what a recovery needs of every host and of the DCS into one file; changes nothing, and works while members are down',
  options: { to: { type: 'string', value: 'file', description: 'where; default: .pgprov/<cluster>/snapshots/ beside the inventory' } },
  streaming: true,
  roles: ({ catalog }) => catalog.filter(({ saves }) => saves !== undefined).map(({ name }) => name),
  requiresConverged: false,
  unreachable: 'go-on',
  changesNothing: true,
  problems: ({ options: { to } }) =>
    to !== undefined && existsSync(to)
      ? [
          {
            kind: 'input',
            error: 'snapshot/file',
            message: `${to} is there already, and a snapshot never overwrites a file`,
            hint: 'name another file with --to',
          },
        ]
      : [],
  remaining: (run) => ({ steps: snapshotSteps(run, run.options.to) }),
});
