import { expect, test } from 'vitest';
import { beginsWithPackages, systemsOf } from './systems.js';

test.each([
  {
    title: 'names the systems of the default run',
    texts: ["start('x', 'debian13')", "os: 'rocky9'"],
    matrix: false,
    systems: ['debian13', 'rocky9'],
  },
  { title: 'names one system', texts: ["start('x', 'debian13')", 'no hosts'], matrix: false, systems: ['debian13'] },
  { title: 'names others, which are built when a test needs them', texts: ["'debian12'", "'rocky8'"], matrix: false, systems: [] },
  { title: 'names others in the matrix', texts: ["'debian12'", "'rocky8'"], matrix: true, systems: ['debian12', 'rocky8'] },
  { title: 'includes all systems', texts: ['describe.each(SYSTEM_NAMES)'], matrix: false, systems: ['debian13', 'rocky9'] },
  {
    title: 'includes all systems in the matrix',
    texts: ['describe.each(SYSTEM_NAMES)'],
    matrix: true,
    systems: ['debian12', 'debian13', 'rocky8', 'rocky9'],
  },
])('a run that $title', ({ texts, matrix, systems }) => {
  expect(systemsOf(texts, matrix)).toEqual(systems);
});

test.each([
  { text: "TestCluster.start('itx', 'debian13', 3, 'packages')", begins: true },
  { text: 'await TestCluster.converged()', begins: true },
  { text: "TestCluster.start('itx', 'debian13'); 'etcd/packages'", begins: false },
])('$text begins with packages: $begins', ({ text, begins }) => {
  expect(beginsWithPackages(['', text])).toBe(begins);
});
