import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/lib/package-root.js';
import { FLOORS } from '../support/floors.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { architectureSvg } from './architecture.js';
import { clusterSvg } from './cluster.js';

const IMAGES = join(packageRoot(), 'docs', 'images');
const PICTURES = readdirSync(IMAGES);
const read = (...path: string[]): string => readFileSync(join(packageRoot(), ...path), 'utf8');

// `npx vitest run --project unit test/screens/pictures.test.ts -u` draws both anew.
describe('the drawings in docs/images', () => {
  it('show the floors that the test of the architecture holds', async () => {
    await expect(architectureSvg()).toMatchFileSnapshot(join(IMAGES, 'architecture.svg'));
  });

  it('show the ports that hosts have where the inventory says nothing', async () => {
    const { hosts } = await inventoryOf(THREE);
    const port = (what: string): number => hosts[0]?.ports.find((each) => each.what === what)?.port ?? 0;
    const picture = clusterSvg({
      postgresql: port('PostgreSQL'),
      restApi: port("Patroni's REST API"),
      etcdClients: port('etcd clients'),
      etcdPeers: port('etcd peers'),
    });
    expect(picture).not.toContain(':0');
    await expect(picture).toMatchFileSnapshot(join(IMAGES, 'cluster.svg'));
  });

  it('and the table of the design have the same floors', () => {
    const rows = [...read('docs', 'design.md').matchAll(/^\| `([\w./]+?)\/?` \| ([\d.]+) \|/gmu)];
    const table = Object.fromEntries(rows.map(([, folder = '', floor]) => [folder, Number(floor)]));
    for (const [folder, floor] of Object.entries(table))
      expect([folder, FLOORS[folder as keyof typeof FLOORS] ?? floor]).toEqual([folder, floor]);
    const told = Object.keys(FLOORS).filter((folder) => !['bin', 'roles', 'src/index.ts'].includes(folder));
    expect(told.filter((folder) => table[folder] === undefined)).toEqual([]);
  });
});

describe('the pictures in docs/images', () => {
  it.each(PICTURES)('%s is small, and a page shows it', (name) => {
    expect(statSync(join(IMAGES, name)).size).toBeLessThan(200_000);
    const pages = ['README.md', ...readdirSync(join(packageRoot(), 'docs'), 'utf8').map((page) => join('docs', page))];
    expect(pages.some((page) => page.endsWith('.md') && read(page).includes(`images/${name}`))).toBe(true);
  });

  it.each(PICTURES.filter((name) => name.endsWith('.svg')))('%s shows nothing of the machine that made it, and no key', (name) => {
    expect(read('docs', 'images', name)).not.toMatch(/\/(?:root|home|tmp|work)\/|PRIVATE KEY|password[:=] ?\w/iu);
  });
});
