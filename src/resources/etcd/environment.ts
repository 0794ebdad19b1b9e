import { sh } from '../../shell/quote.js';
import { file, type FileOptions, type PathState } from '../file.js';
import type { Resource } from '../resource.js';

/** The file with etcd's settings, and whether there is a member that was made by them. */
export type EtcdEnvironmentState = PathState & { hasData: boolean };

const NEW = /^(ETCD_INITIAL_CLUSTER_STATE=)("?)new\2$/mu;

/**
 * The environment file of etcd, written for a member of a new cluster. A member that took the place of another was started with
 * the state `existing`; once it has its data etcd no longer reads that, and it is no drift.
 * `content` says `ETCD_INITIAL_CLUSTER_STATE=new`; `dataDirectory` is etcd's.
 */
export function etcdEnvironment({
  dataDirectory,
  ...options
}: Omit<FileOptions, 'content'> & { content: string; dataDirectory: string }): Resource<EtcdEnvironmentState> {
  const fresh = file(options);
  const joined = options.content.replace(NEW, '$1$2existing$2');
  const { id, sharedQuestions = [], apply, digest } = fresh;
  return {
    id,
    sharedQuestions,
    apply,
    digest,
    probe: () => sh`if [ -d ${`${dataDirectory}/member`} ]; then echo data; else echo nodata; fi
${fresh.probe()}`,
    parse: (answer) => {
      const end = answer.out.indexOf(0x0a);
      const hasData = answer.out.subarray(0, end).toString('utf8') === 'data';
      return { ...fresh.parse({ ...answer, out: answer.out.subarray(end + 1) }), hasData };
    },
    diff: (state) => {
      const isJoined = state.type === 'file' && state.hasData && state.content.equals(Buffer.from(joined));
      return fresh.diff(isJoined ? { ...state, content: Buffer.from(options.content) } : state);
    },
  };
}
