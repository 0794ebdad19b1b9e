import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { RECIPES } from '../paths.js';
import { run } from '../process.js';

function control(depends: string): string {
  return `Package: postgresql-99
Version: 1
Architecture: all
Maintainer: nobody <nobody@pgprov.invalid>
Depends: ${depends}
Recommends: sysstat
Description: a package for a test
`;
}

const KEPT = ['usr/lib/postgresql/99/bin/postgres', 'usr/share/doc/postgresql-99/copyright'];

const LEFT_OUT = [
  'usr/lib/postgresql/99/lib/llvmjit.so',
  'usr/lib/postgresql/99/lib/bitcode/postgres.index.bc',
  'usr/share/doc/postgresql-99/changelog.gz',
  'usr/share/locale/de/LC_MESSAGES/postgres.mo',
  'usr/share/man/man1/postgres.1.gz',
];

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-repack-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function repacked(depends = 'libc6'): Promise<string> {
  const [content, deb] = [join(folder, 'content'), join(folder, 'postgresql-99_1_all.deb')];
  const sums = [...KEPT, ...LEFT_OUT].map((file) => `00000000000000000000000000000000  ${file}\n`).join('');
  const files = {
    'DEBIAN/control': control(depends),
    'DEBIAN/md5sums': sums,
    ...Object.fromEntries([...KEPT, ...LEFT_OUT].map((file) => [file, file])),
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(content, name)), { recursive: true });
    await writeFile(join(content, name), text);
  }
  // dpkg-deb refuses a control folder that others may write to, whatever the umask is.
  await chmod(join(content, 'DEBIAN'), 0o755);
  await run`dpkg-deb --build ${content} ${deb}`;
  await mkdir(join(folder, 'lab-repack'));
  await run`env LAB_ROOT=${folder} sh ${join(RECIPES, 'debian', 'repack.sh')} ${deb}`;
  const result = join(folder, 'result');
  await run`dpkg-deb --raw-extract ${deb} ${result}`;
  return result;
}

describe('a package in the mirror', () => {
  it('lacks documentation, translations and just-in-time compilation, and nothing else', async () => {
    const result = await repacked();
    const { stdout } = await run({ cwd: result })`find . -type f ! -path ${'./DEBIAN/*'}`;
    expect(stdout.trim().split('\n').sort()).toEqual(KEPT.map((file) => `./${file}`));
  });

  it('has digests of the files that are still in it, and no others', async () => {
    const sums = await readFile(join(await repacked(), 'DEBIAN', 'md5sums'), 'utf8');
    expect(
      sums
        .trimEnd()
        .split('\n')
        .map((line) => line.split('  ')[1]),
    ).toEqual(KEPT);
  });

  it.each(['libllvm14', 'libllvm19 (>= 1:19.1.0)'])('has the same depends and recommends as before, except for %s', async (llvm) => {
    const result = await repacked(`libicu76 (>= 76.1-1~), ${llvm}, liblz4-1`);
    expect(await readFile(join(result, 'DEBIAN', 'control'), 'utf8')).toBe(control('libicu76 (>= 76.1-1~), liblz4-1'));
  });
});
