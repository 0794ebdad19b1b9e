import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../src/lib/package-root.js';

/** The floors of the design: imports go only to a lower one, or within one folder. */
const FLOORS: Readonly<Record<string, number>> = {
  'src/lib': 0,
  'src/postgres': 0.5,
  'src/secrets': 0.5,
  'src/events.ts': 1,
  'src/model': 1,
  'src/shell': 1,
  'src/platform': 1,
  'src/resources': 2,
  'src/store': 2,
  'src/plan': 3,
  'src/transport': 3,
  // The public API re-exports what is below it, for roles alone.
  'src/index.ts': 3.5,
  'src/ansible': 1,
  'src/catalog': 4,
  'src/engine': 4,
  'src/report': 4,
  roles: 4.5,
  'src/cli': 5,
  bin: 6,
};

const ROOT = packageRoot();

function sourcesIn(directory: string): string[] {
  const path = join(ROOT, directory);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[jt]s$/u.test(name) && !name.endsWith('.d.ts'))
    .map((name) => join(directory, name));
}

/** What a file imports, statically, dynamically, for types or for its effect. */
function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//gu, '').replace(/^\s*\/\/.*$/gmu, '');
  const patterns = [/\bfrom\s*['"]([^'"]+)['"]/gu, /\bimport\s*\(\s*['"]([^'"]+)['"]/gu, /\bimport\s+['"]([^'"]+)['"]/gu];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name = '']) => name)).filter((name) => /^[\w.@][\w./:@-]*$/u.test(name));
}

const SOURCES = ['src', 'roles', 'bin'].flatMap(sourcesIn);

/** Imports of the project's own files, as paths from its root. */
const IMPORTS = new Map(
  SOURCES.map((file) => {
    const own = importsOf(readFileSync(join(ROOT, file), 'utf8')).filter((name) => name.startsWith('.'));
    return [file, own.map((name) => relative(ROOT, join(ROOT, dirname(file), name)).replace(/^dist\//u, '').replace(/\.js$/u, '.ts'))];
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

  it('lets nobody but the commands know the roles, and only their list', () => {
    const users = EDGES.filter(({ from, to }) => !from.startsWith('roles/') && to.startsWith('roles/'));
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter(({ from, to }) => !from.startsWith('src/cli/') || to !== 'roles/index.ts')).toEqual([]);
  });

  it('lets nobody but roles use the public API', () => {
    expect(EDGES.filter(({ from, to }) => to === 'src/index.ts' && !from.startsWith('roles/'))).toEqual([]);
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
      .map((name) => name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/'));
    expect([...new Set(names)].filter((name) => dependencies[name] === undefined)).toEqual([]);
  });

  it('does no I/O in the floors that are pure', () => {
    const pure = SOURCES.filter((file) => /^src\/(?:shell|resources|platform|postgres|events)/u.test(file));
    const io = pure.filter((file) => importsOf(readFileSync(join(ROOT, file), 'utf8')).some((name) => /^node:(?!crypto|net$|util)/u.test(name)));
    expect(io).toEqual([]);
  });
});
