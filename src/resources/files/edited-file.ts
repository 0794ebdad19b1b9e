import { Secret } from '../../lib/secret.js';
import { joinScripts, NOTHING, type Script, sh } from '../../shell/quote.js';
import { digestOf, type Resource } from '../resource.js';
import { fileHandle, OWNED_BY_ROOT, type Ownership, parsePath, type PathState, pathQuestion, pathText, probePath } from './path.js';
import { diffFile, writeFileScript } from './writing.js';

/** A file of which pgprov owns a part: the rest stays as other people left it. */
export interface EditedFileOptions extends Partial<Ownership> {
  path: string;
  /** What the text should become; called with '' for an absent file. Must be idempotent. */
  edit(current: string): string;
  /** Identifies what is desired, for services that reflect this file. */
  digest: string;
  /** Runs before the file is written. */
  before?: Script;
  /** Keep the texts out of diffs; default false. */
  sensitive?: boolean;
}

/**
 * A file that is edited in place by a pure function of its present text. Owner, group and mode that are not
 * given stay as they are (root:root 0644 for a new file).
 */
export function editedFile(options: EditedFileOptions): Resource<PathState> {
  const { path, edit } = options;
  const { id } = fileHandle(path);
  const target = (state: PathState): string => edit(pathText(state));
  const ownership = (state: PathState): Ownership => {
    const { owner, group, mode } = state.type === 'file' ? state : OWNED_BY_ROOT;
    return { owner: options.owner ?? owner, group: options.group ?? group, mode: options.mode ?? mode };
  };
  return {
    id,
    sharedQuestions: [pathQuestion(path)],
    probe: () => probePath(path),
    parse: (answer) => {
      const state = parsePath(id, answer);
      if (state.type === 'file' && !Buffer.from(state.content.toString('utf8')).equals(state.content)) {
        throw new Error(`${path} holds bytes that are not UTF-8; convert the file: pgprov edits only text`);
      }
      return state;
    },
    diff: (state) => {
      const text = target(state);
      const content = options.sensitive === true ? new Secret(text) : text;
      return diffFile(path, state, content, ownership(state));
    },
    apply: (_changes, state) =>
      joinScripts([assertUnchanged(path, state), options.before ?? NOTHING, writeFileScript(path, target(state), ownership(state))]),
    digest: () => digestOf(id, options.digest, options.owner ?? '', options.group ?? '', options.mode ?? ''),
  };
}

/** Other people's lines would be lost where a file is not any more what the edit was made from. */
function assertUnchanged(path: string, state: PathState): Script {
  const changed = `${path} was changed by somebody else since it was read; run again`;
  return state.type === 'file'
    ? sh`printf %s ${state.content.toString('utf8')} | cmp -s - ${path} || { printf '%s\n' ${changed}; exit 1; }`
    : sh`[ ! -f ${path} ] || { printf '%s\n' ${changed}; exit 1; }`;
}
