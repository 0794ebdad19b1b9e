import { defineOperation, pgprov, type OperationObjection, type OperationStart } from '../index.js';
import { calling, movingProblems } from './shared/moving/guards.js';
import { MOVING } from './shared/moving/operation.js';
import type { MovingOptions } from './shared/moving/options.js';

export default defineOperation<MovingOptions>({
  ...MOVING,
  name: 'rename',
  description:
    'give a member the name that the inventory has for its host now; its data stays, and its member of the store takes the name, too',
  options: {
    host: { type: 'string', value: 'host', description: 'the name that the host had' },
    to: { type: 'string', value: 'host', description: 'the name that it has in the inventory now' },
  },
  problems: (start) => [...twoNames(start), ...movingProblems(start)].slice(0, 1),
  question: ({ inventory, options: { host, to } }) => `Make ${host} of ${inventory.cluster} the member ${to}?`,
  nothing: ({ options: { host, to } }) => `the member is ${to} already, and nothing of ${host} is left`,
  finished: ({ inventory, options: { host, to } }) => `the member ${host} is ${to} now; ${pgprov`status ${inventory}`} shows it`,
});

/** The former name, and another one that the inventory has in its place. */
function twoNames({ inventory, options: { host, to } }: OperationStart<MovingOptions>): OperationObjection[] {
  const input = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'move/host', message, hint }];
  if (host === undefined || host === '') return [];
  if (to === undefined || to === '') return input(`what is ${host} to be called?`, 'give the new name with --to');
  if (host === to) return input(`${host} has that name already`, 'give the former name with --host, and the new one with --to');
  const former = [...inventory.hosts, ...inventory.absent].some(({ name }) => name === host);
  return former ? input(`the inventory still has a host ${host}`, calling(host, to)) : [];
}
