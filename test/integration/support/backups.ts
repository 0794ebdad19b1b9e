import type { LabHost } from '../../lab/index.js';
import { must } from './outside.js';

/** What pgBackRest says of a stanza, as far as tests look at it. */
export interface ToldStanza {
  status: { code: number; message: string };
  cipher: string;
  /** Databases that it has been of, the present one last. */
  db: { id: number; version: string; 'system-id': number }[];
  archive: { id: string; min: string | null; max: string | null }[];
  backup: { label: string; type: string; error: boolean; database: { id: number }; archive: { start: string; stop: string } }[];
}

/** pgBackRest on a host, as its user. */
export function pgbackrest(host: LabHost, words: string): Promise<string> {
  return must(host, `cd / && runuser -u postgres -- pgbackrest ${words}`);
}

/** `pgbackrest info` as data. */
export async function backupsOf(host: LabHost, stanza = 'demo'): Promise<ToldStanza> {
  const [told] = JSON.parse(await pgbackrest(host, `--stanza=${stanza} --output=json info`)) as ToldStanza[];
  if (told === undefined) throw new Error(`pgBackRest says nothing of ${stanza}`);
  return told;
}

/** The last WAL segment that a repository has. */
export async function lastArchived(host: LabHost, stanza = 'demo'): Promise<string> {
  return (await backupsOf(host, stanza)).archive.at(-1)?.max ?? '';
}
