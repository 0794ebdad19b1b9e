import { createHash } from 'node:crypto';
import { reveal, type Secret } from '../../lib/secret.js';
import { joinScripts, type Script, sh } from '../../shell/quote.js';
import { digestOf, type Resource } from '../resource.js';
import type { SharedQuestion } from '../shared-question.js';
import {
  fileHandle,
  OWNED_BY_ROOT,
  type Ownership,
  parsePath,
  type PathState,
  pathQuestion,
  probePath,
  setOwnershipScript,
} from './path.js';
import { bytesOf, diffFile, OWNERSHIP, writeFileScript } from './writing.js';

/** A file with exactly this content. */
export interface FileOptions extends Partial<Ownership> {
  path: string;
  /** Bytes, where it is no text. */
  content: string | Secret | Buffer;
  /** Succeeds where the program that reads it takes the text, which is in the file `$new`; default: nobody is asked. */
  check?: Script;
  /** Leaves a file alone whose text differs only in what does not count on its host; default: every byte counts. */
  counting?: CountingPart;
}

/** The part of a text that counts on some hosts, where nobody will read the rest any more. */
export interface CountingPart {
  /** Succeeds on a host where the rest does not count; reads `sharedQuestions`. */
  where: Script;
  sharedQuestions: readonly SharedQuestion[];
  /** The text without the rest. */
  of(text: string): string;
}

/** The line of an answer that says that only the counting part is compared. */
const IN_PART = 'in part\n';

/** Asks for the SHA-256 of the regular file at a path; anything else is not opened, because a pipe would not end. */
function sumQuestion(path: string): SharedQuestion {
  return {
    variable: 'pgprov_sums',
    subjects: [path],
    ask: (all) => sh`set --
for path in ${all}; do [ ! -f "$path" ] || set -- "$@" "$path"; done
[ "$#" = 0 ] || sha256sum "$@" 2>/dev/null || :`,
  };
}

/**
 * A regular file with exactly this content, owner, group and mode (default root:root 0644).
 * A Secret as content keeps the texts out of diffs. The directory must exist.
 */
export function file(options: FileOptions): Resource<PathState> {
  const { path, content, counting } = options;
  const ownership: Ownership = {
    owner: options.owner ?? OWNED_BY_ROOT.owner,
    group: options.group ?? OWNED_BY_ROOT.group,
    mode: options.mode ?? OWNED_BY_ROOT.mode,
  };
  const desired = bytesOf(content);
  const { id } = fileHandle(path);
  return {
    id,
    sharedQuestions: [pathQuestion(path), sumQuestion(path), ...(counting?.sharedQuestions ?? [])],
    probe: () => {
      const look = probePath(path, createHash('sha256').update(desired).digest('hex'));
      return counting === undefined ? look : joinScripts([sh`if ${counting.where}; then printf %s ${IN_PART}; fi`, look]);
    },
    parse: (answer) => {
      const inPart = counting !== undefined && answer.out.subarray(0, IN_PART.length).equals(Buffer.from(IN_PART));
      const state = parsePath(id, inPart ? { ...answer, out: answer.out.subarray(IN_PART.length) } : answer, desired);
      return inPart && state.type === 'file' ? { ...state, inPart } : state;
    },
    diff: (state) => diffFile(path, isEquivalent(state, desired, counting) ? { ...state, content: desired } : state, content, ownership),
    apply: (changes) => {
      const isOwnedAnew = changes.every(({ part }) => part === OWNERSHIP);
      return isOwnedAnew
        ? setOwnershipScript(path, ownership)
        : writeFileScript(path, Buffer.isBuffer(content) ? content : reveal(content), ownership, options.check);
    },
    digest: () =>
      digestOf(id, desired.toString(Buffer.isBuffer(content) ? 'base64' : 'utf8'), ownership.owner, ownership.group, ownership.mode),
  };
}

/** True where a file differs from what is desired only in what does not count on its host. */
function isEquivalent(
  state: PathState,
  desired: Buffer,
  counting: CountingPart | undefined,
): state is Extract<PathState, { type: 'file' }> {
  return (
    counting !== undefined &&
    state.type === 'file' &&
    state.inPart === true &&
    counting.of(state.content.toString('utf8')) === counting.of(desired.toString('utf8'))
  );
}
