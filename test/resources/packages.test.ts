import { describe, expect, it } from 'vitest';
import { aptPackages } from '../../src/resources/apt-packages.js';
import { dnfPackages } from '../../src/resources/dnf-packages.js';
import { packages } from '../../src/resources/packages.js';
import { installChanges, missingOf, type PackagesState } from '../../src/resources/packages-state.js';

describe('packages', () => {
  const options = { name: 'etcd', packages: ['etcd'] };

  it.each([
    { manager: 'apt', same: aptPackages(options) },
    { manager: 'dnf', same: dnfPackages(options) },
  ] as const)('are managed by $manager', ({ manager, same }) => {
    const resource = packages(manager, options);
    expect(resource.id).toBe('packages:etcd');
    expect(resource.probe().text).toBe(same.probe().text);
    expect(resource.apply([], {}).text).toBe(same.apply([], {}).text);
  });

  it.each<{ title: string; state: PackagesState; missing: string[]; changes: string[] }>([
    { title: 'no package in the lists', state: {}, missing: ['b', 'a'], changes: ['install b a'] },
    { title: 'one of two', state: { a: '1', b: undefined }, missing: ['b'], changes: ['install b'] },
    { title: 'both, and one more', state: { a: '1', b: '2', c: undefined }, missing: [], changes: [] },
  ])('with $title', ({ state, missing, changes }) => {
    expect(missingOf(['b', 'a'], state)).toEqual(missing);
    expect(installChanges(['b', 'a'], state)).toEqual(changes.map((summary) => ({ action: 'install', summary })));
  });

  it.each([
    ['apt', "install 'etcd=3.5.16-*'"],
    ['dnf', "install 'etcd-3.5.16-*'"],
  ] as const)('are installed by %s in the version that is wanted, whatever its revision', (manager, words) => {
    const resource = packages(manager, { ...options, versions: { etcd: '3.5.16' } });
    expect(resource.apply([], {}).text).toContain(words);
    expect(resource.digest()).not.toBe(packages(manager, options).digest());
  });
});
