import { handle, type Handle } from '../handle.js';
import { type Script, sh } from '../../shell/quote.js';
import { UnknownAnswer, type Answer, type Change } from '../resource.js';
import type { SharedQuestion } from '../shared-question.js';

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

/** Reads what `probePath` printed; `wanted` is the content whose SHA-256 it was given. */
export function parsePath(id: string, answer: Answer, wanted?: Buffer): PathState {
  const end = answer.out.indexOf(0x0a);
  const line = answer.out.subarray(0, end < 0 ? undefined : end).toString('utf8');
  const [type, owner, group, mode] = line.split(' ');
  if (answer.status !== 0 || end < 0) throw new UnknownAnswer(id, answer);
  if (type === 'absent') return { type };
  if (type === 'other') return { type, what: line.slice('other '.length) };
  if (owner && group && mode) {
    const ownership = { owner, group, mode: mode.padStart(4, '0') };
    if (type === 'file') return { type, ...ownership, content: answer.out.subarray(end + 1) };
    if (type === 'wanted' && wanted !== undefined) return { type: 'file', ...ownership, content: wanted };
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

/** Sets owner, group and mode of what exists. */
export function setOwnershipScript(path: string, { owner, group, mode }: Ownership): Script {
  return sh`chown ${`${owner}:${group}`} ${path}
chmod ${mode} ${path}`;
}

/** What is seen of a file or directory that is a resource of its host. */
export function fileHandle(path: string): Handle<PathState> {
  return handle(`file:${path}`);
}

/** The text of an answer's file, '' where there is none. */
export function pathText(state: PathState): string {
  return state.type === 'file' ? state.content.toString('utf8') : '';
}
