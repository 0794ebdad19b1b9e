import { inLab } from './paths.js';

/** The imitated PGDG repository, under its real address. */
export const PGDG_URL = 'https://apt.postgresql.org/pub/repos/apt';

/** Where PGDG's key is published; the lab serves a key of its own there. */
export const PGDG_KEY_URL = 'https://www.postgresql.org/media/keys/ACCC4CF8.asc';

/** The imitated Debian archive, set up in the images. */
export const DEBIAN_URL = 'http://debian.lab/debian';

/** Hosts whose `/pub/repos/apt` is the PGDG repository with one thing wrong. */
export type Fault = 'unsigned' | 'badsig' | 'wrongkey' | 'down';

/** The address of a PGDG repository with a fault: no signature, a signature that does not fit, a stranger's key, nobody listening. */
export function faultyPgdg(fault: Fault): string {
  return `https://${fault}.lab/pub/repos/apt`;
}

/** Host names that the mirror answers to. */
export const MIRROR_NAMES = ['apt.postgresql.org', 'www.postgresql.org', 'debian.lab', 'unsigned.lab', 'badsig.lab', 'wrongkey.lab'];

/** On every test host; nothing listens at this loopback address, so connections are refused at once. */
export const DOWN = { name: 'down.lab', address: '127.0.0.2' };

/** The folder the mirror serves as the root of a host name. */
export function siteFolder(host: string, ...parts: string[]): string {
  return inLab('sites', host, ...parts);
}
