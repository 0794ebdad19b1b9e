import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../src/lib/package-root.js';
import { FLOORS as DESIGN } from './support/floors.js';

/** Of any folder, as it is read from a path. */
const FLOORS: Readonly<Record<string, number>> = DESIGN;

const ROOT = packageRoot();

function sourcesIn(directory: string): string[] {
  const path = join(ROOT, directory);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[jt]s$/u.test(name) && !name.endsWith('.d.ts'))
    .map((name) => join(directory, name));
}

/** A file's text without what is only said to its readers. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//gu, '').replace(/^\s*\/\/.*$/gmu, '');
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** Files that have to name etcd: lists of what there is, and the tables of the platforms. */
const ETCD_BY_NAME: readonly string[] = [
  'roles/index.ts',
  'roles/shared/stores.ts',
  'src/diagnoses/index.ts',
  'src/index.ts',
  'src/model/default-dcs.ts',
  'src/platform/debian.ts',
  'src/platform/el.ts',
  'src/platform/platform.ts',
  // Its section of patroni.yml, which the store renders.
  'templates/patroni/etcd3.yml.hbs',
  // The types of all roles' variables.
  'roles/shared/variables.ts',
  'roles/shared/sections/etcd.ts',
  // Descriptions name the stores.
  'roles/shared/sections/store-names.ts',
];

/** Files that show the section `etcd` of a cluster’s status. */
const ETCD_IN_STATUS: readonly string[] = [
  'src/cli/etcd-status.ts',
  'src/cli/member-status.ts',
  'src/cli/status-of.ts',
  'src/cli/status/refused.ts',
  'src/lib/cluster-status.ts',
  'src/report/html/cluster.ts',
  'src/report/status-text.ts',
  'src/report/status.ts',
  'templates/report/cluster.hbs',
];

/** What a file imports, statically, dynamically, for types or for its effect. */
function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const patterns = [/\bfrom\s*['"]([^'"]+)['"]/gu, /\bimport\s*\(\s*['"]([^'"]+)['"]/gu, /\bimport\s+['"]([^'"]+)['"]/gu];
  return patterns
    .flatMap((pattern) => [...code.matchAll(pattern)].map(([, name = '']) => name))
    .filter((name) => /^[\w.@][\w./:@-]*$/u.test(name));
}

const SOURCES = ['src', 'roles', 'bin'].flatMap(sourcesIn);

/** Imports of the project's own files, as paths from its root. */
const IMPORTS = new Map(
  SOURCES.map((file) => {
    const own = importsOf(readFileSync(join(ROOT, file), 'utf8')).filter((name) => name.startsWith('.'));
    return [
      file,
      own.map((name) =>
        relative(ROOT, join(ROOT, dirname(file), name))
          .replace(/^dist\//u, '')
          .replace(/\.js$/u, '.ts'),
      ),
    ];
  }),
);

/** `src/model`, `src/events.ts`, `roles`. */
function folderOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  return top === 'src' ? `${top}/${second}` : top;
}

const EDGES = [...IMPORTS].flatMap(([from, all]) => all.map((to) => ({ from, to })));

describe('the architecture', () => {
  it('has a floor for every file', () => {
    expect(SOURCES.length).toBeGreaterThan(100);
    expect(SOURCES.filter((file) => FLOORS[folderOf(file)] === undefined)).toEqual([]);
  });

  it('imports files that are there', () => {
    expect(EDGES.filter(({ to }) => !existsSync(join(ROOT, to)) && !existsSync(join(ROOT, to.replace(/\.ts$/u, '.d.ts'))))).toEqual([]);
  });

  it('imports only from a lower floor, or from the same folder', () => {
    const wrong = EDGES.filter(({ from, to }) => {
      const [folder, target] = [folderOf(from), folderOf(to)];
      return folder !== target && !((FLOORS[target] ?? Infinity) < (FLOORS[folder] ?? -Infinity));
    });
    expect(wrong).toEqual([]);
  });

  it('lets roles import the public API and their shared parts, nothing else', () => {
    const wrong = EDGES.filter(({ from, to }) => {
      if (!from.startsWith('roles/') || to === 'src/index.ts' || to.startsWith('roles/shared/')) return false;
      return !(from === 'roles/index.ts' && /^roles\/[^/]+\.ts$/u.test(to));
    });
    expect(wrong).toEqual([]);
  });

  it('lets operations import the public API and what roles or operations share, nothing else', () => {
    const wrong = EDGES.filter(({ from, to }) => {
      if (
        !from.startsWith('src/operations/') ||
        to === 'src/index.ts' ||
        to.startsWith('roles/shared/') ||
        to.startsWith('src/operations/shared/')
      )
        return false;
      return !(from === 'src/operations/index.ts' && /^src\/operations\/[^/]+\.ts$/u.test(to));
    });
    expect(EDGES.some(({ from }) => from.startsWith('src/operations/'))).toBe(true);
    expect(wrong).toEqual([]);
  });

  it('lets diagnoses import the public API and what roles or diagnoses share, nothing else', () => {
    const wrong = EDGES.filter(({ from, to }) => {
      if (!from.startsWith('src/diagnoses/') || to === 'src/index.ts' || to.startsWith('roles/shared/')) return false;
      return from === 'src/diagnoses/index.ts' ? !to.startsWith('src/diagnoses/') : !to.startsWith('src/diagnoses/shared/');
    });
    expect(EDGES.some(({ from }) => from.startsWith('src/diagnoses/'))).toBe(true);
    expect(wrong).toEqual([]);
  });

  it('lets nobody but the commands know the diagnoses, and only their list', () => {
    const users = EDGES.filter(({ from, to }) => !from.startsWith('src/diagnoses/') && to.startsWith('src/diagnoses/'));
    expect(users.filter(({ from, to }) => !from.startsWith('src/cli/') || to !== 'src/diagnoses/index.ts')).toEqual([]);
  });

  it('lets nobody but the commands know the operations, and only their list', () => {
    const users = EDGES.filter(({ from, to }) => !from.startsWith('src/operations/') && to.startsWith('src/operations/'));
    expect(users.filter(({ from, to }) => !from.startsWith('src/cli/') || to !== 'src/operations/index.ts')).toEqual([]);
  });

  it('lets nobody but the commands know the roles, and only their list', () => {
    const users = EDGES.filter(({ from, to }) => !/^(?:roles|src\/operations|src\/diagnoses)\//u.test(from) && to.startsWith('roles/'));
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter(({ from, to }) => !from.startsWith('src/cli/') || to !== 'roles/index.ts')).toEqual([]);
  });

  it('lets nobody but roles, operations and diagnoses use the public API', () => {
    expect(EDGES.filter(({ from, to }) => to === 'src/index.ts' && !/^(?:roles|src\/operations|src\/diagnoses)\//u.test(from))).toEqual([]);
  });

  it('keeps what is Patroni’s and PostgreSQL’s out of the plan and the engine', () => {
    const known = /^src\/resources\/(?:patroni-|dcs|etcd-|data-directory|interrupted-|stuck-config|dynamic-config)/u;
    expect(EDGES.some(({ to }) => known.test(to))).toBe(true);
    expect(EDGES.filter(({ from, to }) => /^src\/(?:plan|engine)\//u.test(from) && known.test(to))).toEqual([]);
  });

  it('lets nobody but the role etcd and the list of stores know what runs etcd or reads it', () => {
    const own = /^(?:roles\/etcd\.ts$|roles\/shared\/etcd\/|src\/diagnoses\/etcd\/|src\/resources\/etcd-)/u;
    const listing = new Set(['roles/shared/stores.ts', 'roles/index.ts', 'src/diagnoses/index.ts', 'src/index.ts', ...ETCD_IN_STATUS]);
    expect(EDGES.some(({ to }) => own.test(to))).toBe(true);
    expect(EDGES.filter(({ from, to }) => own.test(to) && !own.test(from) && !listing.has(from))).toEqual([]);
  });

  it('names etcd where etcd is run and read, and in few other places', () => {
    const own = /^(?:roles\/etcd\.ts$|roles\/shared\/etcd\/|src\/diagnoses\/etcd\/|src\/resources\/etcd\/|templates\/etcd\/)/u;
    const templates = readdirSync(join(ROOT, 'templates'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.hbs'))
      .map((name) => join('templates', name));
    const naming = [...SOURCES, ...templates].filter((file) => !own.test(file) && /etcd/iu.test(withoutComments(read(file))));
    expect(naming.sort()).toEqual([...ETCD_BY_NAME, ...ETCD_IN_STATUS].sort());
  });

  it('asks for a host’s topology in one place', () => {
    const asking = SOURCES.filter(
      (file) => file !== 'src/model/topology.ts' && /roles\.includes\('patroni'\)/u.test(readFileSync(join(ROOT, file), 'utf8')),
    );
    expect(asking).toEqual([]);
  });

  it('has a group of commands in every folder of the command line, but for what commands share', () => {
    const shared = ['lab', 'pipeline'];
    const folders = [...new Set(SOURCES.flatMap((file) => /^src\/cli\/([^/]+)\//u.exec(file)?.[1] ?? []))];
    expect(folders.length).toBeGreaterThan(8);
    expect(folders.filter((name) => !shared.includes(name) && !SOURCES.includes(`src/cli/${name}/command.ts`))).toEqual([]);
    expect(shared.filter((name) => SOURCES.includes(`src/cli/${name}/command.ts`))).toEqual([]);
  });

  it('has one way through the command line, which knows none of the commands that go it', () => {
    const fromPipeline = EDGES.filter(({ from, to }) => from.startsWith('src/cli/pipeline/') && /^src\/cli\/[^/]+\//u.test(to));
    expect(fromPipeline.length).toBeGreaterThan(5);
    expect(fromPipeline.filter(({ to }) => !to.startsWith('src/cli/pipeline/'))).toEqual([]);
    const itsOwn = ['src/report/reporter.ts', 'src/transport/ssh.ts', 'src/cli/ssh-passwords.ts'];
    const besideIt = EDGES.filter(
      ({ from, to }) => from.startsWith('src/cli/') && !from.startsWith('src/cli/pipeline/') && itsOwn.includes(to),
    );
    // These have no run to show.
    const beside = ['inventory.ts', 'status/ping.ts', 'logs/logs.ts', 'psql/psql.ts', 'ssh/ssh.ts'].map((name) => `src/cli/${name}`);
    expect(besideIt.filter(({ from }) => !beside.includes(from))).toEqual([]);
  });

  it('keeps tests out of what is delivered', () => {
    expect(EDGES.filter(({ to }) => to.startsWith('test/'))).toEqual([]);
  });

  it('has no circle', () => {
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' > '));
      if (done.has(file) || path.includes(file)) return;
      for (const to of IMPORTS.get(file) ?? []) visit(to, [...path, file]);
      done.add(file);
    };
    for (const file of SOURCES) visit(file, []);
    expect(circles).toEqual([]);
  });

  it('depends only on what package.json names', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
    const names = SOURCES.flatMap((file) => importsOf(readFileSync(join(ROOT, file), 'utf8')))
      .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
      .map((name) =>
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    expect([...new Set(names)].filter((name) => dependencies[name] === undefined)).toEqual([]);
  });

  it('does no I/O in the floors that are pure', () => {
    const pure = SOURCES.filter((file) => /^src\/(?:shell|resources|platform|postgres|events)/u.test(file));
    const io = pure.filter((file) =>
      importsOf(readFileSync(join(ROOT, file), 'utf8')).some((name) => /^node:(?!crypto|net$|util|zlib)/u.test(name)),
    );
    expect(io).toEqual([]);
  });

  it('has its tests where the code is: test/ has the folders of src/ and roles/', () => {
    const apart = ['bench', 'hostile', 'integration', 'lab', 'matrix', 'runner', 'screens', 'support', 'walk'];
    const folders = [...new Set(sourcesIn('test').map((file) => dirname(relative('test', file))))];
    const strange = folders.filter((folder) => folder !== '.' && !apart.includes(folder.split('/')[0] ?? ''));
    expect(strange.filter((folder) => !['src', '.'].some((top) => existsSync(join(ROOT, top, folder))))).toEqual([]);
  });

  it('has the files that its pages name', () => {
    const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(ROOT, 'docs')).map((name) => join('docs', name))].filter((page) =>
      page.endsWith('.md'),
    );
    const named = pages.flatMap((page) => {
      const text = readFileSync(join(ROOT, page), 'utf8');
      return [...text.matchAll(/`((?:src|roles|test|templates)\/[\w./-]+\.(?:ts|hbs|sh))`/gu)].map(([, file = '']) => ({
        page,
        file,
        // What a guide has its reader write is no file of ours.
        isWritten: text.includes(`\n\`${file}\`:\n\n\`\`\``),
      }));
    });
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter(({ file, isWritten }) => !isWritten && !existsSync(join(ROOT, file)))).toEqual([]);
  });
});
