import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { publicKey } from '../keys.js';
import { run } from '../process.js';

const SHIPPED = 'usr/share/postgresql-common/pgdg/apt.postgresql.org';

/**
 * A package of PGDG ships PGDG's key as a file and thereby overwrites what an administrator put at that path.
 * In the lab it has to be the lab's key, or the imitated repository is no longer trusted after the installation.
 */
export async function replacePackagedKey(deb: string): Promise<void> {
  if (!(await run`dpkg-deb --contents ${deb}`).stdout.includes(`${SHIPPED}.asc`)) return;
  const folder = await mkdtemp(join(tmpdir(), 'lab-deb-'));
  try {
    await run`dpkg-deb --raw-extract ${deb} ${folder}`;
    const { armored, binary } = await publicKey('pgdg');
    await replaceFile(folder, `${SHIPPED}.asc`, Buffer.from(armored));
    await replaceFile(folder, `${SHIPPED}.gpg`, binary);
    await run`dpkg-deb --root-owner-group -Zgzip --build ${folder} ${deb}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function replaceFile(folder: string, path: string, content: Buffer): Promise<void> {
  if (!existsSync(join(folder, path))) return;
  await writeFile(join(folder, path), content);
  const list = join(folder, 'DEBIAN', 'md5sums');
  const sum = createHash('md5').update(content).digest('hex');
  const lines = (await readFile(list, 'utf8')).split('\n');
  await writeFile(list, lines.map((line) => (line.endsWith(`  ${path}`) ? `${sum}  ${path}` : line)).join('\n'));
}
