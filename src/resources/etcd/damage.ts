/** What etcd 3.x and its bbolt write when a member cannot read its own database or WAL; an extended regular expression for grep as well. */
export const ETCD_DAMAGE = [
  // The same words come with "permission denied", which is no damage.
  'failed to open database.*(invalid database|file size too small|checksum error|version mismatch)',
  'Page expected to be: [0-9]+, but self identifies as',
  'invalid page type: ',
  'freepages: failed to get all reachable pages',
  'unexpected fault address',
  'failed to recover v3 backend from snapshot',
  '"error":"(walpb|wal): crc mismatch',
  'failed to read WAL, cannot be repaired',
].join('|');

/** What a member writes once it works with its data. */
export const ETCD_LET_IN = 'ready to serve client requests|published local member to cluster';

/** Why a member cannot read its data, by a line of its log that matches `ETCD_DAMAGE`, in etcd's words: `invalid database`. */
export function damageWords(line: string): string {
  return /"error":"([^"]*)"/u.exec(line)?.[1] ?? /"msg":"([^"]*)"/u.exec(line)?.[1] ?? line.replace(/^.*?panic: /u, '');
}
