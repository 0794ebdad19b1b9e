import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';

import { publicKey, type SigningKey } from '../keys.js';
import { siteFolder } from '../sites.js';
import { type ElFacts, LATER } from '../systems.js';

/** A version of Enterprise Linux. */
export type Major = ElFacts['major'];

/** PGDG's repositories for a version, by the name of the folder that the recipe puts their packages into; paths below `/pub/repos/yum`. */
export function pgdgPaths(major: Major): Record<'pgdg-common' | 'pgdg-extras', string> & Record<`pgdg-${number}`, string> {
  const versions = major === 9 ? [15, LATER] : [15];
  return {
    'pgdg-common': `common/redhat/rhel-${major}-x86_64`,
    'pgdg-extras': `common/pgdg-rhel${major}-extras/redhat/rhel-${major}-x86_64`,
    ...Object.fromEntries(versions.map((version) => [`pgdg-${version}`, `${version}/redhat/rhel-${major}-x86_64`])),
  };
}

/** The other place of the extra packages, where PGDG has them by now. */
function newExtrasPath(major: Major): string {
  return `extras/redhat/rhel-${major}-x86_64`;
}

/** The files of a host that has PGDG's repositories, or something like them. */
export function yumFolder(host: string, ...parts: string[]): string {
  return siteFolder(host, 'pub', 'repos', 'yum', ...parts);
}

/** Rocky's own repositories, by the name of the folder that the recipe puts their packages into. */
export const ROCKY_REPOSITORIES = ['BaseOS', 'AppStream', 'extras', 'CRB'] as const;

/** The files of EPEL for a version. */
export function epelFolder(major: Major): string {
  return siteFolder('dl.fedoraproject.org', 'pub', 'epel', String(major), 'Everything', 'x86_64');
}

/** The files of a repository of Rocky; CRB had another name in version 8. */
export function rockyFolder(major: Major, repository: (typeof ROCKY_REPOSITORIES)[number]): string {
  const name = repository === 'CRB' && major === 8 ? 'PowerTools' : repository;
  return siteFolder('dl.rockylinux.org', 'pub', 'rocky', String(major), name, 'x86_64', 'os');
}

/** Everything of PGDG's server but the repositories themselves: keys, and the extra packages under their new address. */
export async function publishSurroundings(host: string, major: Major, key: SigningKey): Promise<void> {
  await mkdir(yumFolder(host, 'keys'), { recursive: true });
  const { armored } = await publicKey(key);
  for (const name of ['PGDG-RPM-GPG-KEY-RHEL', 'PGDG-RPM-GPG-KEY-AARCH64-RHEL']) await writeFile(yumFolder(host, 'keys', name), armored);

  const link = yumFolder(host, newExtrasPath(major));
  await mkdir(dirname(link), { recursive: true });
  await rm(link, { force: true });
  await symlink(relative(dirname(link), yumFolder(host, pgdgPaths(major)['pgdg-extras'])), link);
}
