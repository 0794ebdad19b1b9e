import { sh } from '../../shell/quote.js';
import { file, type FileOptions } from '../files/file.js';
import type { PathState } from '../files/path.js';
import type { Resource } from '../resource.js';

/** The file with etcd's settings, and whether there is a member that was made by them. */
export type EtcdEnvironmentState = PathState & { hasData: boolean };

/** Settings that etcd reads only while it has no data: with whom it began, or whom it joined. */
const FIRST_START = /^(ETCD_INITIAL_CLUSTER|ETCD_INITIAL_CLUSTER_STATE)=.*$/gmu;

/**
 * The environment file of etcd, written for a member of a new cluster. One that joined others was started with the state `existing` and the members
 * of that day; once it has its data neither is drift, nor a reason to restart it when the inventory gets or loses a member.
 * `dataDirectory` is etcd's.
 */
export function etcdEnvironment({
  dataDirectory,
  ...options
}: Omit<FileOptions, 'content'> & { content: string; dataDirectory: string }): Resource<EtcdEnvironmentState> {
  const fresh = file(options);
  const lasting = (content: string): string => content.replace(FIRST_START, '$1');
  const { id, sharedQuestions = [], apply } = fresh;
  return {
    id,
    sharedQuestions,
    apply,
    digest: file({ ...options, content: lasting(options.content) }).digest,
    probe: () => sh`if [ -d ${`${dataDirectory}/member`} ]; then echo data; else echo nodata; fi
${fresh.probe()}`,
    parse: (answer) => {
      const end = answer.out.indexOf(0x0a);
      const hasData = answer.out.subarray(0, end).toString('utf8') === 'data';
      return { ...fresh.parse({ ...answer, out: answer.out.subarray(end + 1) }), hasData };
    },
    diff: (state) => {
      const isSame = state.type === 'file' && state.hasData && lasting(state.content.toString('utf8')) === lasting(options.content);
      return fresh.diff(isSame ? { ...state, content: Buffer.from(options.content) } : state);
    },
  };
}
