import { command, sh, type Resource, type RoleContext } from '../../../src/index.js';
import { etcdDataDirectory } from './data-directory.js';

const EXISTING = '^(ETCD_INITIAL_CLUSTER_STATE=)("?)existing"?$';

/** A member without data that once joined an etcd begins a new one with the others: told to join, it would look for that other etcd and end. */
export function etcdBeginsAnew(context: RoleContext): Resource {
  const { environmentFile } = context.platform.etcd;
  return command({
    name: 'etcd-begins-anew',
    summary: `say in ${environmentFile} that etcd begins anew (ETCD_INITIAL_CLUSTER_STATE)`,
    unless: sh`[ -d ${`${etcdDataDirectory(context)}/member`} ] || ! grep -qE ${EXISTING} ${environmentFile}`,
    run: sh`sed -i -E ${`s/${EXISTING}/\\1\\2new\\2/`} ${environmentFile}`,
  }) as Resource;
}
