import { inLab } from './paths.js';
import type { Family } from './systems.js';

/** The imitated PGDG repository for Debian, under its real address. */
export const PGDG_URL = 'https://apt.postgresql.org/pub/repos/apt';

/** Where PGDG's key for Debian is published; the lab serves a key of its own there. */
export const PGDG_KEY_URL = 'https://www.postgresql.org/media/keys/ACCC4CF8.asc';

/** The imitated PGDG repositories for Rocky Linux, under their real address. */
export const YUM_URL = 'https://download.postgresql.org/pub/repos/yum';

/** Where PGDG's key for Rocky Linux is published; in the lab the same key as for Debian. */
export const YUM_KEY_URL = `${YUM_URL}/keys/PGDG-RPM-GPG-KEY-RHEL`;

/** The imitated Debian archive, set up in the images. */
export const DEBIAN_URL = 'http://debian.lab/debian';

/** Hosts whose `/pub/repos/apt` and `/pub/repos/yum` are the PGDG repositories with one thing wrong; `wrongrpm` has only the latter. */
export type Fault = 'unsigned' | 'badsig' | 'wrongkey' | 'wrongrpm' | 'down';

/**
 * The address of a PGDG repository with a fault: no signature, a signature that does not fit, a stranger's key,
 * a good index with packages that a stranger signed, nobody listening.
 */
export function faultyPgdg(fault: Exclude<Fault, 'wrongrpm'>, family?: 'debian'): string;
export function faultyPgdg(fault: Fault, family: 'el'): string;
export function faultyPgdg(fault: Fault, family: Family = 'debian'): string {
  return `https://${fault}.lab/pub/repos/${family === 'debian' ? 'apt' : 'yum'}`;
}

/** Host names that the mirror answers to. */
export const MIRROR_NAMES = [
  'apt.postgresql.org',
  'www.postgresql.org',
  'download.postgresql.org',
  'debian.lab',
  'dl.rockylinux.org',
  'dl.fedoraproject.org',
  'unsigned.lab',
  'badsig.lab',
  'wrongkey.lab',
  'wrongrpm.lab',
];

/** The store of objects that a test may start in the network of its hosts. */
export const OBJECTS_NAME = 's3.lab';

/** On every test host; nothing listens at this loopback address, so connections are refused at once. */
export const DOWN = { name: 'down.lab', address: '127.0.0.2' };

/** The folder the mirror serves as the root of a host name. */
export function siteFolder(host: string, ...parts: string[]): string {
  return inLab('sites', host, ...parts);
}
