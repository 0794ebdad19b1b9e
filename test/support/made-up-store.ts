import { handle } from '../../src/resources/handle.js';
import {
  command,
  FORMER_CONFIGS,
  gate,
  NOTHING,
  sh,
  STORE_LEFT,
  STORE_WRITES,
  type DcsKey,
  type DcsKeys,
  type RoleContext,
  type StageProof,
} from '../../src/index.js';
import type { Dcs } from '../../roles/shared/dcs.js';
import type { Role } from '../../src/plan/role.js';

/** The observation of a shelf: whether there is anything on it, and whether it stands. */
export const SHELF = handle<{ data?: boolean; stands?: boolean }>('shelf');

/** What is on a shelf: a JSON object of keys with a value and a revision each, in a file of the host. */
const shelfFile = ({ inventory }: Pick<RoleContext, 'inventory'>): string => `/srv/shelf/${inventory.cluster}.json`;

function shelfKeys(context: RoleContext): DcsKeys {
  const file = shelfFile(context);
  return {
    name: 'Shelf',
    question: { variable: 'pgprov_shelf', subjects: [file], ask: (files) => sh`cat ${files} 2>/dev/null || echo 'no shelf'` },
    led: sh`*${'"leader":'}*`,
    find: (text) => {
      const line = text.split('\n').find((each) => each.startsWith('{"shelf"'));
      if (line === undefined) return 'no shelf';
      const { shelf } = JSON.parse(line) as { shelf: Record<string, DcsKey> };
      return new Map(Object.entries(shelf));
    },
    absent: '',
    clearMark: () => sh`sed -i 's/"initialize":{"value":"",[^}]*},\{0,1\}//' ${file}`,
    put: (key, value, revision) => sh`grep -qF ${`"revision":"${revision}"`} ${file} || exit 1
printf '%s\n' ${JSON.stringify({ shelf: { [key]: { value, revision: `${revision}+` } } })} >${file}`,
    remove: (key) => sh`sed -i ${`s/"${key}":{[^}]*},\\{0,1\\}//`} ${file}`,
    show: (key) => ({ path: `${file}#${key}`, command: `cat ${file}` }),
  };
}

/** A store that there is not, to prove that one takes no more than a file like this and a role. */
export const madeUpDcs: Dcs = {
  name: 'Shelf',
  role: 'shelf',
  sectionName: 'shelf',
  unit: 'shelfd',
  editing: () => 'with a pencil',
  putting: (_, key, value) => `write ${value} over ${key}`,
  fatalLogPatterns: ['ShelfCollapsed'],
  inExtras: false,
  fixedVariables: [],
  packages: () => ['python3-shelf'],
  serverPackages: () => ['made-up-store'],
  wantedVersion: () => undefined,
  section: (context) => `shelf:\n  file: ${JSON.stringify(shelfFile(context))}\n`,
  keys: shelfKeys,
  gates: () => [gate({ name: 'shelf', title: 'the shelf stands', check: sh`true`, unit: 'shelfd', fatalLogPatterns: [] })],
  proofs: ({ host }): StageProof[] => [
    {
      on: host.name,
      gate: gate({ name: 'reach', title: `${host.name} reaches Shelf`, check: sh`true`, unit: 'patroni', fatalLogPatterns: [] }),
    },
  ],
  clientPort: () => 4711,
  dataRoot: () => '/srv/shelf',
  hasData: (view, host) => view.read(host, SHELF)?.data,
  spoilt: () => undefined,
  isHealthy: (view, host) => view.read(host, SHELF)?.stands,
  runs: (view, host) => view.read(host, SHELF)?.stands,
  worksGate: () => gate({ name: 'shelf-works', title: 'the shelf stands', check: sh`true`, unit: 'shelfd', fatalLogPatterns: [] }),
  anew: {
    dataAside: (context) =>
      command({
        name: 'shelf-aside',
        summary: 'clear the shelf',
        unless: sh`[ ! -e ${shelfFile(context)} ]`,
        run: sh`mv ${shelfFile(context)} ${shelfFile(context)}.aside`,
      }),
    beginsAnew: () => command({ name: 'shelf-new', summary: 'put up a new shelf', unless: sh`true`, run: sh`true` }),
  },
  left: () => ({ ...STORE_LEFT, probe: () => sh`:`, parse: () => ({ copies: [], unread: [] }) }),
  writes: () => ({ ...STORE_WRITES, probe: () => sh`:`, parse: () => ({ asked: false }) }),
  notWriting: 'Dust it.',
  formerConfigs: () => ({ ...FORMER_CONFIGS, probe: () => sh`:`, parse: () => [] }),
  restart: { observations: () => [], leads: () => false, unless: () => NOTHING, gates: () => [] },
  runsOn: ({ roles }) => roles.includes('shelf'),
  memberNames: (view) => view.hosts('shelf').map(({ name }) => name),
};

/** The role that runs it. */
export const shelfRole: Role = {
  name: 'shelf',
  description: 'A shelf.',
  isStore: true,
  variables: { type: 'object', properties: {} },
  stages: () => [],
};
