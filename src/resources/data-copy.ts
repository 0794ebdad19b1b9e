import { handle } from './handle.js';
import { NOTHING, sh, type Script } from '../shell/quote.js';
import { ASIDE } from './put-aside.js';
import { answerLines, type Observation } from './resource.js';

/** What is in a data directory, as far as one has to know who puts another copy of the database in its place. */
export interface DataCopy {
  /**
   * Tells this copy from every other one, also after its directory was renamed: inode and time of its PG_VERSION, which is written once.
   * Of a directory without one its own inode; '' where it is not there or empty.
   */
  identity: string;
  /** What it takes on its disk, WAL included, in bytes. */
  bytes: number;
  /** Free bytes for ordinary users where it is. */
  free: number;
  /** What keeps the directory from being renamed, as a clause that follows its name: `is a mount point`. */
  fixed: string | undefined;
  /** Directories that were put aside in its place, by their identities. */
  aside: Readonly<Record<string, string>>;
}

/** The observation's id. */
export const DATA_COPY = handle<DataCopy>('data-copy');

/** Seconds in which a data directory is measured; longer than that would keep a look waiting, so the disk's own figures do. */
const MEASURING = 60;

/**
 * Which copy of the database is in a data directory, how large it is, and what was put aside beside it.
 * @param movesTablespaces whoever puts it aside puts its tablespaces aside as well, so they do not keep it in its place
 */
export function dataCopy(path: string, { movesTablespaces = false }: { movesTablespaces?: boolean } = {}): Observation<DataCopy> {
  const elsewhere = sh`[ -z "$(ls -A ${`${path}/pg_tblspc`} 2>/dev/null)" ] || echo 'fixed=has tablespaces, which are in other directories'`;
  return {
    ...DATA_COPY,
    probe: () => sh`${defineIdentity}
echo "identity=$(identity ${path})"
${defineBytes}
echo "bytes=$(bytes ${path})"
at=${path}
while [ ! -d "$at" ]; do at=$(dirname "$at"); done
echo "free=$(stat -f -c '%a %S' "$at")"
if [ -L ${path} ]; then echo 'fixed=is a symbolic link'
elif mountpoint -q ${path} 2>/dev/null; then echo 'fixed=is a mount point'
fi
${movesTablespaces ? NOTHING : elsewhere}
for beside in ${path}${ASIDE}*; do [ ! -d "$beside" ] || echo "aside=$(identity "$beside") $beside"; done`,
    parse: (answer) => {
      const values = answerLines(answer).map((line): [string, string] => [
        line.slice(0, line.indexOf('=')),
        line.slice(line.indexOf('=') + 1),
      ]);
      const text = (key: string): string => values.find(([name]) => name === key)?.[1] ?? '';
      const [blocks, size] = text('free').split(' ').map(Number);
      const aside = values.flatMap(([key, value]) => {
        const at = value.indexOf(' ');
        return key === 'aside' && at > 0 ? [[value.slice(0, at), value.slice(at + 1)] as const] : [];
      });
      return {
        identity: text('identity'),
        bytes: Number(text('bytes')) || 0,
        free: (blocks ?? 0) * (size ?? 0) || 0,
        fixed: text('fixed') || undefined,
        aside: Object.fromEntries(aside),
      };
    },
  };
}

/** Defines `identity DIRECTORY`, which prints `DataCopy.identity`. */
export const defineIdentity: Script = sh`identity() {
if [ -f "$1/PG_VERSION" ]; then stat -c '%i-%Y' "$1/PG_VERSION"
elif [ -d "$1" ] && [ -n "$(ls -A "$1")" ]; then stat -c 'directory-%i' "$1"
fi
}`;

/** Defines `bytes DIRECTORY`: what is in it, or in use on its disk where counting takes too long. */
export const defineBytes: Script = sh`bytes() {
[ -d "$1" ] || { echo 0; return; }
counted=$(timeout ${MEASURING} du -sB1 "$1" 2>/dev/null) || [ $? = 1 ] || counted=
if [ -n "$counted" ]; then
set -- $counted
echo "$1"
else
set -- $(stat -f -c '%b %f %S' "$1")
echo $((($1 - $2) * $3))
fi
}`;
