import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';

/** The WAL that a data directory has, and whether its server could get more from elsewhere than from its leader. */
export interface WalKept {
  /** The number of the oldest segment, whatever its timeline; undefined: there is none. */
  oldest: number | undefined;
  /** Bytes of a segment. */
  segmentBytes: number;
  /** The server has a `restore_command`. */
  restores: boolean;
  /** Bytes that PostgreSQL's user may still write there; undefined where that cannot be told. */
  free?: number;
}

/** The observation's id; undefined where there is no data directory. */
export const WAL_KEPT = handle<WalKept | undefined>('wal-kept');

/** Lists the files of pg_wal, which works whether or not the server runs. */
export function walKept(data: string): Observation<WalKept | undefined> {
  return {
    ...WAL_KEPT,
    probe: () => sh`cd ${data}/pg_wal 2>/dev/null || exit 0
stat -f -c 'free=%a %S' . 2>/dev/null || :
ls | grep -E '^[0-9A-F]{24}$' | cut -c9-24 | sort | head -n 1 | sed 's/^/oldest=/'
for each in ????????????????????????; do
[ ! -f "$each" ] || { echo "bytes=$(wc -c <"$each")"; break; }
done
if grep -qsE "^[[:space:]]*restore_command[[:space:]]*=?[[:space:]]*'[^']" ${[`${data}/postgresql.conf`, `${data}/postgresql.auto.conf`]}; then echo restores=yes; fi`,
    parse: (answer) => {
      const values = new Map(answerLines(answer).map((line) => line.split('=') as [string, string]));
      const [oldest, bytes] = [values.get('oldest'), Number(values.get('bytes') ?? 0)];
      if (bytes === 0) return undefined;
      const free = values.get('free')?.split(' ').map(Number) ?? [];
      return {
        oldest: oldest === undefined ? undefined : segmentNumber(oldest, bytes),
        segmentBytes: bytes,
        restores: values.get('restores') === 'yes',
        ...(free.length === 2 ? { free: free.reduce((blocks, size) => blocks * size) } : {}),
      };
    },
  };
}

/** Both parts of a file's name have eight digits: the upper 32 bits of the location, and the segment within these 4 GiB. */
function segmentNumber(name: string, bytes: number): number {
  return Number.parseInt(name.slice(0, 8), 16) * (2 ** 32 / bytes) + Number.parseInt(name.slice(8), 16);
}
