import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

import { RECIPES } from '../paths.js';
import { run } from '../process.js';

const RPM = join(RECIPES, 'el', 'rpm');

function table(name: string): string[][] {
  return readFileSync(join(RPM, name, 'table'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('|'));
}

interface ModuleDocument {
  document: string;
  data: { name?: string; module?: string; stream: string; artifacts?: { rpms: string[] } };
}

async function modules(major: 8 | 9): Promise<ModuleDocument[]> {
  const { stdout } = await run`sh ${join(RPM, 'rocky', 'modules.sh')} ${major}`;
  return parseAllDocuments(stdout).map((document) => document.toJS() as ModuleDocument);
}

describe('the packages of the imitated repositories', () => {
  it('are lines of known shape, each package once', () => {
    const [plain, made] = [table('rocky'), table('from-debs')];
    for (const line of plain) expect(line, line.join('|')).toHaveLength(6);
    for (const line of made) expect(line, line.join('|')).toHaveLength(5);
    for (const [name, , , state, repository] of plain) {
      expect(['installed', 'available'], name).toContain(state);
      expect(['BaseOS', 'AppStream', 'extras', 'EPEL'], name).toContain(repository);
    }
    for (const [name, , , suite] of made) expect(['bookworm', 'trixie'], name).toContain(suite);
    const names = [...plain, ...made].map(([name]) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

describe('the module metadata', () => {
  it('makes a stream of PostgreSQL active by itself on Rocky 8', async () => {
    const documents = await modules(8);
    const defaults = documents
      .filter(({ document }) => document === 'modulemd-defaults')
      .map(({ data }) => `${data.module}:${data.stream}`);
    expect(defaults).toEqual(['postgresql:10', 'python36:3.6']);
  });

  it('leaves the PostgreSQL streams to be enabled by hand on Rocky 9', async () => {
    const documents = await modules(9);
    expect(documents.map(({ document, data }) => `${document} ${data.name}:${data.stream}`)).toEqual([
      'modulemd postgresql:15',
      'modulemd postgresql:16',
    ]);
    expect(documents[0]?.data.artifacts?.rpms).toEqual(
      ['postgresql', 'postgresql-server', 'postgresql-contrib'].map((name) => `${name}-0:15.6-1.module_el9+15.noarch`),
    );
  });
});
