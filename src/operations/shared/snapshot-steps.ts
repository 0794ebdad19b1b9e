import type { OperationRun, SnapshotStep } from '../../index.js';

/**
 * The step that saves what there is of the cluster, for an operation to begin with; none once it has.
 * @param to a file that is not there yet; default: one in the cluster's store
 */
export function snapshotSteps({ inventory, done }: Pick<OperationRun<object>, 'inventory' | 'done'>, to?: string): SnapshotStep[] {
  if (done.has('snapshot')) return [];
  return [{ id: 'snapshot', title: `save what there is of ${inventory.cluster} into a file`, snapshot: { to } }];
}
