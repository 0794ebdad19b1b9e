/** What more than the backup has to fit: the WAL that is replayed. */
const MARGIN = { share: 0.05, least: 67_108_864 };

/** The free bytes that restoring a backup of a database takes. */
export function roomFor(size: number): number {
  return Math.ceil(size + Math.max(size * MARGIN.share, MARGIN.least));
}
