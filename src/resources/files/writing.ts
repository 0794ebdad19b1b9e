import { reveal, type Secret } from '../../lib/secret.js';
import { NOTHING, type Script, sh } from '../../shell/quote.js';
import type { Change } from '../resource.js';
import { diffOwnership, type Ownership, type PathState } from './path.js';

/**
 * Writes a file whole or not at all: a temporary file beside it, owner and mode first, then a rename.
 * Where the path is a mount point of its own the rename is refused, and the content is copied into it.
 * @param check succeeds where the temporary file, `$new`, is fit to take the place; what is there stays otherwise
 */
export function writeFileScript(
  path: string,
  content: string | Buffer,
  { owner, group, mode }: Ownership,
  check: Script = NOTHING,
): Script {
  return sh`rm -f ${path}.pgprov.??????
new=$(mktemp ${`${path}.pgprov.XXXXXX`})
trap 'rm -f "$new"' EXIT
chmod 0600 "$new"
${Buffer.isBuffer(content) ? sh`printf %s ${content.toString('base64')} | base64 -d >"$new"` : sh`printf %s ${content} >"$new"`}
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

/** The part of a file that can be set where it is, without writing it. */
export const OWNERSHIP = 'ownership';

/** The one change that gives a file its content, owner, group and mode, if any of them is another. */
export function diffFile(path: string, state: PathState, content: string | Secret | Buffer, ownership: Ownership): Change[] {
  const [owned] = diffOwnership(path, state, ownership);
  const [written] = diffContent(path, state, content, ownership);
  if (written === undefined) return owned === undefined ? [] : [{ ...owned, part: OWNERSHIP }];
  if (owned === undefined || written.action === 'create') return [written];
  const { owner, group, mode } = ownership;
  return [{ ...written, summary: `${written.summary} (${owner}:${group} ${mode})` }];
}

/** What a file with this content has. */
export function bytesOf(content: string | Secret | Buffer): Buffer {
  return Buffer.isBuffer(content) ? content : Buffer.from(reveal(content));
}

/** The change that gives a file its content, if it has another. */
function diffContent(path: string, state: PathState, content: string | Secret | Buffer, ownership: Ownership): Change[] {
  const desired = bytesOf(content);
  const shown = typeof content === 'string' ? content : undefined;
  if (state.type === 'file') {
    if (state.content.equals(desired)) return [];
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
