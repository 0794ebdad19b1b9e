import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { replaceBlock } from '../../src/resources/files/blocks.js';
import { directory } from '../../src/resources/files/directory.js';
import { editedFile } from '../../src/resources/files/edited-file.js';
import { file } from '../../src/resources/files/file.js';
import { firstConfiguration, type JsonObject } from '../../src/resources/dynamic-config.js';
import { patroniConfig } from '../../src/resources/patroni/config.js';
import type { Resource } from '../../src/resources/resource.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import type { Section } from '../../src/shell/frame.js';
import { WORK_DIRECTORY } from '../../src/shell/lock.js';
import { joinScripts, Script, sh } from '../../src/shell/quote.js';
import { DEPTH, sample, SEED } from '../support/depth.js';
import { ME, sharedDirectory } from '../support/directory.js';
import { runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, isThere, type Shell } from '../support/shells.js';
import { hostilePasswords, hostileValues, shown, WORST } from './support/values.js';
import { patience } from '../support/patience.js';

/** What an inventory can hold at all: half of the fixed values, the others with the next seed. */
const VALUES = sample(
  hostileValues(15, SEED).filter((value) => !/[\u0000\p{Surrogate}]/u.test(value)),
  30,
  'files',
  (value) => WORST.includes(value),
);

/** As the name of a file. */
const NAMES = [...new Set(VALUES.map((value) => [...value.replaceAll('/', '_')].slice(0, 40).join('')))].filter(
  (name) => !['', '.', '..'].includes(name),
);

/** Probes of all, then what they need, then probes again. */
async function bringAllAbout(shell: Shell, resources: readonly Resource[]): Promise<{ words: string[]; left: number }> {
  const probes = (when: string): Section[] => [
    ...sharedSections(resources),
    ...resources.map((resource) => ({ id: `${when}:${resource.id}`, mode: 'probe' as const, body: resource.probe() })),
  ];
  const before = await runSections(shell, probes('see'));
  const states = resources.map((resource) =>
    resource.parse(before.answers.get(`see:${resource.id}`) ?? { status: 1, out: Buffer.alloc(0) }),
  );
  const steps = resources.map((resource, index) => ({
    id: `do:${resource.id}`,
    mode: 'probe' as const,
    body: joinScripts([
      sh`exec 2>&1
set -e`,
      resource.apply(resource.diff(states[index]), states[index]),
    ]),
  }));
  const after = await runSections(shell, [...steps, ...probes('again')]);
  const words = resources.flatMap((resource) => {
    const { status, out } = after.answers.get(`do:${resource.id}`) ?? { status: -1, out: 'no answer' };
    return status === 0 && out.length === 0 ? [] : [`${shown(resource.id)}: ${status} ${out.toString()}`];
  });
  const left = resources.flatMap((resource) =>
    resource.diff(resource.parse(after.answers.get(`again:${resource.id}`) ?? { status: 1, out: Buffer.alloc(0) })),
  );
  return { words, left: left.length };
}

describe(`on a host (${DEPTH})`, () => {
  const root = sharedDirectory();
  inEveryShell(HOST_SHELLS, (shell) => {
    const at = (...names: string[]): string => root.at(shell, ...names);

    it('files may have hostile names and hold hostile texts, byte for byte', { timeout: patience(60_000) }, async () => {
      mkdirSync(at('files'), { recursive: true });
      const wanted = NAMES.map((name, index) => ({ name, content: VALUES[index] ?? '' }));
      expect(
        await bringAllAbout(
          shell,
          wanted.map(({ name, content }) => file({ path: at('files', name), content, ...ME, mode: '0640' })),
        ),
      ).toEqual({ words: [], left: 0 });
      expect(readdirSync(at('files')).sort()).toEqual([...NAMES].sort());
      for (const { name, content } of wanted)
        expect(readFileSync(at('files', name)).equals(Buffer.from(content)), shown(content)).toBe(true);
    });

    it('other people’s files keep their own content, byte for byte', { timeout: patience(60_000) }, async () => {
      mkdirSync(at('edited'), { recursive: true });
      const wanted = NAMES.map((name, index) => ({
        path: at('edited', name),
        theirs: `${VALUES[index] ?? ''}\n`,
        ours: VALUES[index + 1] ?? '',
      })).filter(({ theirs, ours }) => !/\n/u.test(ours) && !/^# (?:BEGIN|END) pgprov/mu.test(theirs + ours));
      for (const { path, theirs } of wanted) writeFileSync(path, theirs);
      for (const { path } of wanted) chmodSync(path, 0o600);
      const edited = wanted.map(({ path, ours }) =>
        editedFile({ path, digest: '', edit: (current) => replaceBlock(current, 'demo', [ours]) }),
      );
      expect(await bringAllAbout(shell, edited)).toEqual({ words: [], left: 0 });
      for (const { path, theirs, ours } of wanted) {
        expect(readFileSync(path, 'utf8') === `${theirs}# BEGIN pgprov demo\n${ours}\n# END pgprov demo\n`, shown(theirs)).toBe(true);
        expect(statSync(path).mode & 0o777).toBe(0o600);
      }
    });

    it('directories may have hostile names', { timeout: patience(60_000) }, async () => {
      const paths = NAMES.map((name) => at('directories', name, 'below'));
      expect(
        await bringAllAbout(
          shell,
          paths.map((path) => directory({ path, ...ME, mode: '0700' })),
        ),
      ).toEqual({ words: [], left: 0 });
      expect(readdirSync(at('directories')).sort()).toEqual([...NAMES].sort());
    });
  });
});

describe.skipIf(!isThere('curl'))(`Patroni gets (${DEPTH})${isThere('curl') ? '' : ' (skipped: no curl here)'}`, () => {
  const root = sharedDirectory();
  const heard: { authorization: string; body: string }[] = [];
  let server: Server;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        heard.push({ authorization: request.headers.authorization ?? '', body: Buffer.concat(chunks).toString('utf8') });
        response.end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => server.close());

  inEveryShell(HOST_SHELLS, (shell) => {
    it('a hostile dynamic configuration with hostile passwords, byte for byte', { timeout: patience(60_000) }, async () => {
      const passwords = hostilePasswords(20);
      const cases = [...VALUES, '"'.repeat(64 * 1024), '__proto__'].map((value, index) => ({
        password: passwords[index % passwords.length] ?? '',
        desired: { [value]: value, deep: { [value]: [value, { [value]: value }] } } as JsonObject,
      }));
      heard.length = 0;
      const { port } = server.address() as AddressInfo;
      const sections = cases.map(({ password, desired }, index) => {
        const resource = patroniConfig({
          url: `http://127.0.0.1:${port}`,
          scope: 'demo',
          user: 'patroni',
          password: new Secret(password),
          desired,
        });
        const script = resource
          .apply([], { answers: true, current: {} })
          .text.replaceAll('/var/lib/pgprov', root.at(shell))
          .replaceAll(WORK_DIRECTORY, root.path);
        return { id: `do:${index}`, mode: 'probe' as const, body: Script.build(script) };
      });
      const { answers } = await runSections(shell, sections);
      expect(
        [...answers].flatMap(([id, { status, out }]) =>
          status === 0 && out.length === 0 ? [] : [`${id}: ${status} ${out.toString().slice(0, 300)}`],
        ),
      ).toEqual([]);
      expect(heard).toHaveLength(cases.length);
      cases.forEach(({ password, desired }, index) => {
        expect(Buffer.from(heard[index]?.authorization.replace('Basic ', '') ?? '', 'base64').toString()).toBe(`patroni:${password}`);
        expect(heard[index]?.body === JSON.stringify(firstConfiguration(desired)), shown(Object.keys(desired)[0] ?? '')).toBe(true);
      });
    });
  });
});
