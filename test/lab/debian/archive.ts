import { cp, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { publicKey, type SigningKey } from '../keys.js';
import { run } from '../process.js';
import { sign } from '../signatures.js';
import { siteFolder } from '../sites.js';
import type { DebianFacts } from '../systems.js';
import { replacePackagedKey } from './packaged-key.js';

/** Packages that the real PGDG repository has; the rest of what was downloaded stays with Debian. */
const FROM_PGDG = /^(postgresql|libpq|patroni|pgbackrest|pgbouncer|python3-psycopg2)/;

const PGDG = siteFolder('apt.postgresql.org', 'pub', 'repos', 'apt');
const DEBIAN = siteFolder('debian.lab', 'debian');

interface Repository {
  root: string;
  suite: string;
  origin: string;
  key: SigningKey;
}

/** Puts the downloaded packages of a Debian system into the two signed archives that the lab's mirror serves. */
export async function publishPackages({ suite }: DebianFacts, debs: string): Promise<void> {
  const pgdg: Repository = { root: PGDG, suite: `${suite}-pgdg`, origin: 'apt.postgresql.org', key: 'pgdg' };
  const debian: Repository = { root: DEBIAN, suite, origin: 'Debian', key: 'debian' };
  for (const repository of [pgdg, debian]) await emptyFolder(pool(repository));
  for (const file of await readdir(debs)) {
    await rename(join(debs, file), join(pool(FROM_PGDG.test(file) ? pgdg : debian), file));
  }
  for (const file of await readdir(pool(pgdg))) {
    if (file.includes('-common_')) await replacePackagedKey(join(pool(pgdg), file));
  }
  await publishKeys();
  const release = await index(pgdg);
  await writeSigned(pgdg, release);
  await writeSigned(debian, await index(debian));
  await publishFaults(pgdg, release);
}

/** Keeps everything but the signatures, each spoilt in a way of its own. */
async function publishFaults(pgdg: Repository, release: string): Promise<void> {
  const unsigned = await faultyCopy(pgdg, 'unsigned');
  await writeFile(join(distribution(unsigned), 'Release'), release);

  const wrongKey = await faultyCopy(pgdg, 'wrongkey');
  await writeSigned({ ...wrongKey, key: 'stranger' }, release);

  const badSignature = await faultyCopy(pgdg, 'badsig');
  const signed = await sign('pgdg', release);
  const tampered = (text: string): string => text.replace(/^Label: .*$/m, 'Label: Tampered');
  await writeFile(join(distribution(badSignature), 'InRelease'), tampered(signed.inRelease));
  await writeFile(join(distribution(badSignature), 'Release'), tampered(release));
  await writeFile(join(distribution(badSignature), 'Release.gpg'), signed.detached);
}

/** A repository under another host name with the same packages and index, but no signature yet. */
async function faultyCopy(pgdg: Repository, fault: string): Promise<Repository> {
  const copy = { ...pgdg, root: siteFolder(`${fault}.lab`, 'pub', 'repos', 'apt') };
  await emptyFolder(distribution(copy));
  await cp(join(distribution(pgdg), 'main'), join(distribution(copy), 'main'), { recursive: true });
  const link = join(copy.root, 'pool');
  // Both systems are built at the same time and share this link.
  await symlink(relative(copy.root, join(pgdg.root, 'pool')), link).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return copy;
}

/** Writes the package index and returns the text that vouches for it. */
async function index({ root, suite, origin }: Repository): Promise<string> {
  const architecture = (await run`dpkg --print-architecture`).stdout.trim();
  const folder = join(root, 'dists', suite);
  const binary = join(folder, 'main', `binary-${architecture}`);
  await emptyFolder(folder);
  await mkdir(binary, { recursive: true });
  const packages = await run({ cwd: root })`apt-ftparchive packages ${join('pool', suite)}`;
  await writeFile(join(binary, 'Packages'), packages.stdout);
  await run`gzip --keep --no-name ${join(binary, 'Packages')}`;
  const fields = Object.entries({
    Origin: origin,
    Label: origin === 'Debian' ? 'Debian' : 'PostgreSQL for Debian/Ubuntu repository',
    Suite: suite,
    Codename: suite,
    Architectures: architecture,
    Components: 'main',
  }).flatMap(([name, value]) => ['-o', `APT::FTPArchive::Release::${name}=${value}`]);
  return (await run`apt-ftparchive ${fields} release ${folder}`).stdout;
}

async function writeSigned(repository: Repository, release: string): Promise<void> {
  const { inRelease, detached } = await sign(repository.key, release);
  const folder = distribution(repository);
  await writeFile(join(folder, 'Release'), release);
  await writeFile(join(folder, 'InRelease'), inRelease);
  await writeFile(join(folder, 'Release.gpg'), detached);
}

async function publishKeys(): Promise<void> {
  const places: [string, SigningKey][] = [
    ['www.postgresql.org', 'pgdg'],
    ['wrongkey.lab', 'stranger'],
  ];
  for (const [host, name] of places) {
    const path = siteFolder(host, 'media', 'keys', 'ACCC4CF8.asc');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, (await publicKey(name)).armored);
  }
}

function pool({ root, suite }: Repository): string {
  return join(root, 'pool', suite);
}

function distribution({ root, suite }: Repository): string {
  return join(root, 'dists', suite);
}

async function emptyFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
}
