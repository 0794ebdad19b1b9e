import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { unfinishedDiagnosis } from '../../src/cli/doctor/unfinished.js';
import { DIAGNOSES } from '../../src/diagnoses/index.js';
import { packageRoot } from '../../src/lib/package-root.js';

const NAMES = DIAGNOSES.map(({ name }) => name);
const FOLDER = join(packageRoot(), 'src', 'diagnoses');

it('every diagnosis has a name of its own, and its line in docs/doctor.md', () => {
  expect(NAMES.length).toBeGreaterThan(50);
  expect(new Set(NAMES).size).toBe(NAMES.length);
  const page = readFileSync(join(packageRoot(), 'docs', 'doctor.md'), 'utf8');
  const told = [...NAMES, unfinishedDiagnosis(undefined, undefined).name, 'status'];
  expect(told.filter((name) => !page.includes(`\`${name}\` |`) && !page.includes(`\`${name}\`, `))).toEqual([]);
});

it('every file of a diagnosis is among those that doctor asks', () => {
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => /^(?!shared)\w+\/[\w-]+\.ts$/u.test(name));
  const named = files.flatMap(
    (file) => /defineDiagnosis\(\{\n\s+name: '([^']+)'/u.exec(readFileSync(join(FOLDER, file), 'utf8'))?.[1] ?? file,
  );
  expect(named.sort()).toEqual([...NAMES].sort());
});

it('what a finding explains are diagnoses that there are', () => {
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const explained = files.flatMap((file) =>
    [...readFileSync(join(FOLDER, file), 'utf8').matchAll(/explains: \[([^\]]*)\]/gu)].flatMap(([, list = '']) =>
      [...list.matchAll(/'([^']+)'/gu)].map(([, name = '']) => ({ file, name: name.split('/')[0] ?? '' })),
    ),
  );
  expect(explained.length).toBeGreaterThan(10);
  expect(explained.filter(({ name }) => !NAMES.includes(name))).toEqual([]);
});

it('what keeps all clients from writing comes before what is wrong on one host', () => {
  const at = (name: string): number => NAMES.indexOf(name);
  for (const first of ['no-leader', 'store-quorum', 'store-space', 'store-writes'])
    for (const later of ['unit-stopped', 'unit-failed', 'host-unreachable', 'member-down']) expect(at(first)).toBeLessThan(at(later));
});
