import { dataDirectory, type DataDirectoryState } from './data-directory.js';
import type { Ownership } from './files/path.js';
import { putAside } from './put-aside.js';
import { digestOf, type Change, type Resource } from './resource.js';

/**
 * No base backup that was interrupted is in the way of a new one. What is there of it can never become a
 * database (pg_control, which comes last, is missing), and Patroni would wait for ever beside it; it is put
 * aside, never deleted.
 */
export function interruptedCopy(options: { path: string; binDirectory: string; ownership: Ownership }): Resource<DataDirectoryState> {
  const { path, binDirectory, ownership } = options;
  const id = `interrupted-copy:${path}`;
  const observed = dataDirectory({ path, binDirectory, user: ownership.owner });
  return {
    id,
    sharedQuestions: observed.sharedQuestions,
    probe: observed.probe,
    parse: observed.parse,
    diff: (state): Change[] =>
      state.kind === 'cluster' && state.copy === 'interrupted'
        ? [{ action: 'update', summary: `put the interrupted copy in ${path} aside` }]
        : [],
    apply: () => putAside(path, ownership),
    digest: () => digestOf(id),
  };
}
