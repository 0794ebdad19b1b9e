import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CATALOG } from '../../roles/index.js';
import type { Inventory } from '../../src/model/index.js';
import { buildHostWork } from '../../src/plan/host-work.js';
import { debian13 } from '../../src/platform/debian.js';
import { rocky9 } from '../../src/platform/el.js';
import type { Platform } from '../../src/platform/index.js';
import { DEPTH, MATRIX, sample } from '../support/depth.js';
import { contextOf } from '../support/inventory.js';
import { load } from './support/load.js';
import { benignOf, PLACES } from './support/places.js';
import { readEnvironmentFile, readSettings } from './support/readers.js';
import { hostileValues, shown } from './support/values.js';
import { patience } from '../support/patience.js';

/** What a file of a host is to hold. */
function contentOf(inventory: Inventory, host: string, path: string, platform: Platform = debian13): string {
  const resources = buildHostWork(CATALOG, contextOf(inventory, host, platform)).stages.flatMap(({ stage }) => stage.resources);
  const resource = resources.find(({ id }) => id.endsWith(path));
  if (resource === undefined) throw new Error(`${host} has no ${path}`);
  const state = resource.id.startsWith('file:') ? { type: 'absent' } : { file: { type: 'absent' }, listed: false };
  return resource.diff(state)[0]?.after ?? '';
}

interface Config {
  scope: string;
  namespace: string;
  bootstrap: { dcs: Record<string, unknown> & { postgresql: { parameters: object } }; initdb: unknown[] };
  postgresql: { data_dir: string; pg_hba: string[]; authentication: { superuser: { username: string } } };
  tags: Record<string, unknown>;
}

const config = (inventory: Inventory): Config => parse(contentOf(inventory, 'pg1', 'file:/etc/patroni/config.yml')) as Config;
const dcs = (inventory: Inventory): Record<string, unknown> => config(inventory).bootstrap.dcs;
const keyOf = (mapping: unknown): string | undefined =>
  Object.keys(mapping as object).find((key) => (mapping as Record<string, unknown>)[key] === 'x');
/** What stands above the first line for everybody. */
const aboveLine = (lines: readonly string[], line: string): string | undefined => lines[lines.indexOf(line) - 1];
const withoutSlashes = (path: string): string => path.replace(/(?<=[^/])\/+$/u, '');

/** Where the value of a place is on a host; `as` is how it is to be spelled there. */
const ARRIVALS: Readonly<Record<string, { read: (inventory: Inventory) => unknown; as?: (value: string) => string }>> = {
  'postgresql.parameters.<key>': { read: (inventory) => keyOf(config(inventory).bootstrap.dcs.postgresql.parameters) },
  'postgresql.parameters.<value>': { read: (inventory) => readSettings(contentOf(inventory, 'alone', 'conf.d/pgprov.conf')).get('entry') },
  'postgresql.hba[]': { read: (inventory) => aboveLine(config(inventory).postgresql.pg_hba, 'local all all peer') },
  'postgresql.data_dir': { read: (inventory) => config(inventory).postgresql.data_dir, as: withoutSlashes },
  'postgresql.encoding': { read: (inventory) => (config(inventory).bootstrap.initdb[0] as { encoding: string }).encoding },
  'postgresql.locale': { read: (inventory) => (config(inventory).bootstrap.initdb[1] as { locale: string }).locale },
  'postgresql.superuser': { read: (inventory) => config(inventory).postgresql.authentication.superuser.username },
  'etcd.data_dir': { read: (inventory) => readEnvironmentFile(contentOf(inventory, 'pg1', 'file:/etc/default/etcd')).get('ETCD_DATA_DIR') },
  'patroni.scope': { read: (inventory) => config(inventory).scope },
  'patroni.namespace': { read: (inventory) => config(inventory).namespace },
  'patroni.tags.<key>': { read: (inventory) => keyOf(config(inventory).tags) },
  'patroni.tags.<value>': { read: (inventory) => config(inventory).tags['entry'] },
  'patroni.dynamic.postgresql.pre_promote': { read: (inventory) => (dcs(inventory)['postgresql'] as { pre_promote: string }).pre_promote },
  'patroni.dynamic.postgresql.callbacks.<key>': {
    read: (inventory) => keyOf((dcs(inventory)['postgresql'] as { callbacks: object }).callbacks),
  },
  'patroni.dynamic.postgresql.<key>': { read: (inventory) => keyOf(dcs(inventory)['postgresql']) },
  'patroni.dynamic.postgresql.<value>': { read: (inventory) => (dcs(inventory)['postgresql'] as { entry: string }).entry },
  'patroni.dynamic.postgresql.entry.deep.<key>': {
    read: (inventory) => keyOf((dcs(inventory)['postgresql'] as { entry: { deep: object } }).entry.deep),
  },
  'patroni.dynamic.postgresql.entry.deep[]': {
    read: (inventory) => (dcs(inventory)['postgresql'] as { entry: { list: string[] } }).entry.list[0],
  },
  'pgdg.base_url': {
    read: (inventory) => /^baseurl=(.*)\/common\/redhat/mu.exec(contentOf(inventory, 'pg1', 'pgdg-pgprov.repo', rocky9))?.[1],
    as: (value) => value.replace(/\/+$/u, ''),
  },
};

describe(`values of the inventory in the files of a host (${DEPTH})`, () => {
  const places = PLACES.filter(({ name }) => Object.hasOwn(ARRIVALS, name));
  it('are all covered here', () => expect(places.map(({ name }) => name).sort()).toEqual(Object.keys(ARRIVALS).sort()));

  it.each(
    sample(
      places.map((place, salt) => ({ place, salt, name: place.name })),
      4,
      'arrival',
    ),
  )('include $name', { timeout: patience(60_000) }, async ({ place, salt }) => {
    const { read, as = (value: string) => value } = ARRIVALS[place.name] ?? { read: () => undefined };
    const benign = await benignOf(place, load);
    let arrived = 0;
    for (const text of hostileValues(20, 500 + salt)) {
      for (const value of [text, `${benign}${text}`]) {
        const loaded = await load(place.draft(value));
        if ('refused' in loaded) continue;
        expect(read(loaded.inventory) === as(value), shown(value)).toBe(true);
        arrived += 1;
        break;
      }
    }
    // Of a sample some places take little more than one of the worst values.
    expect(arrived).toBeGreaterThan(MATRIX ? 5 : 1);
  });
});
