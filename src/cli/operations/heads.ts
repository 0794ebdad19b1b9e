import type { Operation } from '../../plan/operation.js';
import { OPERATIONS } from '../../operations/index.js';

/** What the command line has to know of an operation before it runs. */
export type OperationHead = Pick<
  Operation,
  'name' | 'description' | 'options' | 'argument' | 'takesSource' | 'choosesHosts' | 'holdsMembers' | 'keptInStore' | 'changesNothing'
>;

/** Those that come with pgprov. The build puts them here as they are, because loading the operations takes longer than `--help` may. */
export const HEADS: readonly OperationHead[] = OPERATIONS.map(({ name, description, options, argument, ...rest }) => ({
  name,
  description,
  options,
  ...(argument === undefined ? {} : { argument }),
  ...(rest.takesSource === undefined ? {} : { takesSource: rest.takesSource }),
  ...(rest.choosesHosts === undefined ? {} : { choosesHosts: rest.choosesHosts }),
  ...(rest.holdsMembers === undefined ? {} : { holdsMembers: rest.holdsMembers }),
  ...(rest.keptInStore === undefined ? {} : { keptInStore: rest.keptInStore }),
  ...(rest.changesNothing === undefined ? {} : { changesNothing: rest.changesNothing }),
}));
