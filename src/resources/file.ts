import { handle, type Handle } from './handle.js';
import { createHash } from 'node:crypto';
import { joinScripts, NOTHING, type Script, sh } from '../shell/quote.js';
import { reveal, Secret } from '../lib/secret.js';
import { digestOf, UnknownAnswer, type Answer, type Change, type Resource } from './resource.js';
import type { SharedQuestion } from './shared-question.js';

/** What is at a path. */
export type PathState =
  | { type: 'absent' }
  | {
      type: 'file';
      owner: string;
      group: string;
      mode: string;
      content: Buffer;
      /** On this host not all of the text counts, see `FileOptions.counting`. */
      inPart?: true;
    }
  | { type: 'directory'; owner: string; group: string; mode: string }
  | { type: 'other'; what: string };

/** Owner, group and octal mode (four digits, e.g. `0640`). */
export interface Ownership {
  owner: string;
  group: string;
  mode: string;
}

/** A file with exactly this content. */
export interface FileOptions extends Partial<Ownership> {
  path: string;
  content: string | Secret;
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

export const OWNED_BY_ROOT: Ownership = { owner: 'root', group: 'root', mode: '0644' };

/**
 * Asks what is at a path, and whose it is: a line each for the path, the type, and owner, group and mode. A path of more lines is asked for
 * alone.
 */
export function pathQuestion(path: string): SharedQuestion {
  return {
    variable: 'pgprov_paths',
    subjects: path.includes('\n') ? [] : [path],
    defines: TELL_PATH,
    ask: (all) => sh`stat --printf '%n\n%F\n%U %G %a\n' ${all} 2>/dev/null || :`,
  };
}

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

/** Splits the answer to `pathQuestion` into words, which takes the shell less than to search it as a text. */
const TELL_PATH = sh`pgprov_path() {
IFS=$pgprov_nl
set -f
path=$1 wanted=$2 follow=$3
case "$path" in
*"$pgprov_nl"*) set -- "$path" $(stat --printf '%F\n%U %G %a\n' "$path" 2>/dev/null) ;;
*)
set -- $pgprov_paths
while [ "$#" -gt 2 ] && [ "$1" != "$path" ]; do shift 3; done
;;
esac
case "$2" in
'') echo absent ;;
'regular file')
case "$pgprov_nl$pgprov_sums$pgprov_nl" in
*"$pgprov_nl$wanted  $path$pgprov_nl"*) echo "wanted $3" ;;
*) echo "file $3"; exec cat "$path" ;;
esac
;;
'regular empty file') echo "file $3" ;;
directory) echo "directory $3" ;;
'symbolic link')
if [ -n "$follow" ] && [ -d "$path" ]; then echo "directory $(stat -L -c '%U %G %a' "$path")"; exit; fi
echo other symbolic link to "$(readlink "$path")"
;;
*) echo "other $2" ;;
esac
}`;

/**
 * Prints type, owner, group and mode on the first line, a regular file's bytes after it, unless they have the SHA-256 that
 * is wanted; reads `pathQuestion`, and `sumQuestion` for that.
 */
export function probePath(path: string, wanted = ''): Script {
  return sh`pgprov_path ${path} ${wanted} ''`;
}

/** The same for a directory, which may be one that a symbolic link leads to, as to another file system. */
function probeDirectory(path: string): Script {
  return sh`pgprov_path ${path} '' follow`;
}

/** Reads what `probePath` printed; `wanted` is the content whose SHA-256 it was given. */
export function parsePath(id: string, answer: Answer, wanted?: string): PathState {
  const end = answer.out.indexOf(0x0a);
  const line = answer.out.subarray(0, end < 0 ? undefined : end).toString('utf8');
  const [type, owner, group, mode] = line.split(' ');
  if (answer.status !== 0 || end < 0) throw new UnknownAnswer(id, answer);
  if (type === 'absent') return { type };
  if (type === 'other') return { type, what: line.slice('other '.length) };
  if (owner && group && mode) {
    const ownership = { owner, group, mode: mode.padStart(4, '0') };
    if (type === 'file') return { type, ...ownership, content: answer.out.subarray(end + 1) };
    if (type === 'wanted' && wanted !== undefined) return { type: 'file', ...ownership, content: Buffer.from(wanted) };
    if (type === 'directory') return { type, ...ownership };
  }
  throw new UnknownAnswer(id, answer);
}

/** The changes that make owner, group and mode of what exists as desired. */
export function diffOwnership(path: string, state: PathState, desired: Ownership): Change[] {
  if (state.type !== 'file' && state.type !== 'directory') return [];
  const is = `${state.owner}:${state.group} ${state.mode}`;
  const should = `${desired.owner}:${desired.group} ${desired.mode}`;
  if (is === should) return [];
  const wider = Number.parseInt(state.mode, 8) & ~Number.parseInt(desired.mode, 8) & 0o077;
  const danger = `${path} has mode ${state.mode} instead of ${desired.mode}: others on the host may ${(wider & 0o022) > 0 ? 'change' : 'read'} it`;
  return [{ action: 'update', summary: `set ${path} to ${should} (is ${is})`, ...(wider > 0 ? { danger } : {}) }];
}

/**
 * Writes a file whole or not at all: a temporary file beside it, owner and mode first, then a rename.
 * Where the path is a mount point of its own the rename is refused, and the content is copied into it.
 * @param check succeeds where the temporary file, `$new`, is fit to take the place; what is there stays otherwise
 */
export function writeFileScript(path: string, content: string, { owner, group, mode }: Ownership, check: Script = NOTHING): Script {
  return sh`rm -f ${path}.pgprov.??????
new=$(mktemp ${`${path}.pgprov.XXXXXX`})
trap 'rm -f "$new"' EXIT
chmod 0600 "$new"
printf %s ${content} >"$new"
chown ${`${owner}:${group}`} "$new"
chmod ${mode} "$new"
${check}
if ! mv -fT "$new" ${path} 2>/dev/null; then
cat "$new" >${path}
chown ${`${owner}:${group}`} ${path}
chmod ${mode} ${path}
fi
if command -v restorecon >/dev/null 2>&1; then restorecon ${path} || :; fi`;
}

/** Sets owner, group and mode of what exists. */
export function setOwnershipScript(path: string, { owner, group, mode }: Ownership): Script {
  return sh`chown ${`${owner}:${group}`} ${path}
chmod ${mode} ${path}`;
}

/** What is seen of a file or directory that is a resource of its host. */
export function fileHandle(path: string): Handle<PathState> {
  return handle(`file:${path}`);
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
  const desired = reveal(content);
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
    diff: (state) =>
      diffFile(path, isEquivalent(state, desired, counting) ? { ...state, content: Buffer.from(desired) } : state, content, ownership),
    apply: (changes) => {
      const isOwnedAnew = changes.every(({ part }) => part === OWNERSHIP);
      return isOwnedAnew ? setOwnershipScript(path, ownership) : writeFileScript(path, desired, ownership, options.check);
    },
    digest: () => digestOf(id, desired, ownership.owner, ownership.group, ownership.mode),
  };
}

/** True where a file differs from what is desired only in what does not count on its host. */
function isEquivalent(
  state: PathState,
  desired: string,
  counting: CountingPart | undefined,
): state is Extract<PathState, { type: 'file' }> {
  return (
    counting !== undefined &&
    state.type === 'file' &&
    state.inPart === true &&
    counting.of(state.content.toString('utf8')) === counting.of(desired)
  );
}

/** The part of a file that can be set where it is, without writing it. */
const OWNERSHIP = 'ownership';

/** The one change that gives a file its content, owner, group and mode, if any of them is another. */
function diffFile(path: string, state: PathState, content: string | Secret, ownership: Ownership): Change[] {
  const [owned] = diffOwnership(path, state, ownership);
  const [written] = diffContent(path, state, content, ownership);
  if (written === undefined) return owned === undefined ? [] : [{ ...owned, part: OWNERSHIP }];
  if (owned === undefined || written.action === 'create') return [written];
  const { owner, group, mode } = ownership;
  return [{ ...written, summary: `${written.summary} (${owner}:${group} ${mode})` }];
}

/** The change that gives a file its content, if it has another. */
function diffContent(path: string, state: PathState, content: string | Secret, ownership: Ownership): Change[] {
  const desired = reveal(content);
  const shown = content instanceof Secret ? undefined : desired;
  if (state.type === 'file') {
    if (state.content.equals(Buffer.from(desired))) return [];
    return [
      {
        action: 'update',
        summary: `write ${path}`,
        ...(shown === undefined ? {} : { before: state.content.toString('utf8'), after: shown }),
      },
    ];
  }
  const summary = `write ${path} (${ownership.owner}:${ownership.group} ${ownership.mode})`;
  const text = shown === undefined ? {} : { before: '', after: shown };
  if (state.type === 'absent') return [{ action: 'create', summary, ...text }];
  const what = state.type === 'directory' ? 'a directory' : `a ${state.what}`;
  return [{ action: 'create', summary: `${summary}, in place of ${what}`, ...text }];
}

/** A directory, by default root's with mode 0755. */
export interface DirectoryOptions extends Partial<Ownership> {
  path: string;
  /** Another mode that is left as it is where it is found. */
  orMode?: string;
  /** Where it is not there it is not made, because a package brings it, or a service makes it. */
  ifThere?: boolean;
}

/** A directory with this owner, group and mode, or a symbolic link to one; parents are made, contents left alone. */
export function directory(options: DirectoryOptions): Resource<PathState> {
  const { path, orMode, ifThere = false } = options;
  const ownership: Ownership = {
    owner: options.owner ?? 'root',
    group: options.group ?? 'root',
    mode: options.mode ?? '0755',
  };
  const id = `directory:${path}`;
  return {
    id,
    sharedQuestions: [pathQuestion(path)],
    probe: () => probeDirectory(path),
    parse: (answer) => parsePath(id, answer),
    diff: (state) => {
      if (state.type === 'directory') {
        return diffOwnership(path, state, state.mode === orMode ? { ...ownership, mode: orMode } : ownership);
      }
      if (state.type === 'absent' && ifThere) return [];
      const { owner, group, mode } = ownership;
      return [{ action: 'create', summary: `make directory ${path} (${owner}:${group} ${mode})` }];
    },
    // Four digits would leave a setgid bit that the directory inherited.
    apply: (_changes, state) => {
      if (state.type === 'other') return refuse(path, state.what);
      return joinScripts([sh`mkdir -p ${path}`, setOwnershipScript(path, { ...ownership, mode: `0${ownership.mode}` })]);
    },
    digest: () => digestOf(id, ownership.owner, ownership.group, ownership.mode),
  };
}

/** What stands where a directory belongs is left to its owner; a link that leads nowhere may lead to what is not mounted. */
function refuse(path: string, what: string): Script {
  return sh`echo ${`${path} is a ${what}, and no directory is there: mount or make it, or move what is there out of the way, and run this again`}
exit 1`;
}

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

/**
 * Text with the lines between two marker lines replaced, or the block added at the end. A first marker
 * without the second is replaced alone, so that nobody else's lines are lost.
 * @param ahead the block is to stand ahead of the first line of others that this matches, wherever it was
 */
export function replaceBlock(current: string, name: string, lines: readonly string[], ahead?: RegExp): string {
  const begin = `# BEGIN pgprov ${name}`;
  const end = `# END pgprov ${name}`;
  const block = [begin, ...lines, end];
  const present = current === '' ? [] : current.replace(/\n$/u, '').split('\n');
  const from = present.indexOf(begin);
  const to = from < 0 ? -1 : Math.max(from, present.indexOf(end, from));
  const others = from < 0 ? present : [...present.slice(0, from), ...present.slice(to + 1)];
  const first = ahead === undefined ? -1 : outsideBlocks(others).findIndex((line) => line !== undefined && ahead.test(line));
  const at = Math.min(...[from, first].filter((index) => index >= 0), others.length);
  return `${[...others.slice(0, at), ...block, ...others.slice(at)].join('\n')}\n`;
}

/** The text without the block that pgprov has written for a cluster. */
export function removeBlock(current: string, name: string): string {
  const lines = current.split('\n');
  const from = lines.indexOf(`# BEGIN pgprov ${name}`);
  const to = from < 0 ? -1 : lines.indexOf(`# END pgprov ${name}`, from);
  return to < 0 ? current : [...lines.slice(0, from), ...lines.slice(to + 1)].join('\n');
}

/** The lines; undefined for those between markers, which belong to another cluster. */
function outsideBlocks(lines: readonly string[]): (string | undefined)[] {
  let inside = false;
  return lines.map((line) => {
    if (line.startsWith('# BEGIN pgprov ')) inside = true;
    const belongs = inside;
    if (line.startsWith('# END pgprov ')) inside = false;
    return belongs ? undefined : line;
  });
}

/** The text of an answer's file, '' where there is none. */
export function pathText(state: PathState): string {
  return state.type === 'file' ? state.content.toString('utf8') : '';
}
