import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CATALOG } from '../../roles/index.js';
import { redact } from '../../src/lib/secret.js';
import type { Inventory } from '../../src/model/index.js';
import { buildPlan } from '../../src/plan/plan.js';
import { joinHostWork, buildHostWork } from '../../src/plan/host-work.js';
import { renderTemplate } from '../../src/plan/template.js';
import { file } from '../../src/resources/files/file.js';
import type { Resource } from '../../src/resources/resource.js';
import { STATES } from '../support/apply-scripts.js';
import { DEPTH, MATRIX } from '../support/depth.js';
import { contextOf } from '../support/inventory.js';
import { sharedDirectory } from '../support/directory.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';
import { hostScripts, SYSTEMS } from './support/host-scripts.js';
import { load } from './support/load.js';
import { passwordFrom } from './support/readers.js';
import { RecordingShell } from './support/recording-shell.js';
import { hostilePasswords, shown } from './support/values.js';
import { patience } from '../support/patience.js';

/** A variable of each password, and what is told of it. */
const ACCOUNTS = ['superuser', 'replication', 'rewind', 'restapi'] as const;
type Passwords = Record<(typeof ACCOUNTS)[number], string>;

/** Four at a time, each unlike any other text of a plan. */
const SETS: readonly Passwords[] = hostilePasswords(60)
  .filter((password) => /^(?=.*[^\w-]).{8,}$/u.test(password))
  .reduce<Passwords[]>(
    (sets, _, index, all) =>
      index % 4 === 0
        ? [...sets, Object.fromEntries(ACCOUNTS.map((account, at) => [account, all[index + at] ?? `last ${at}: 'one'`])) as Passwords]
        : sets,
    [],
  );

function draft({ superuser, replication, rewind, restapi }: Passwords): object {
  return {
    cluster: 'demo',
    ssh: { config: false, user: 'op', password: superuser, become_password: replication.slice(0, 255), key_passphrase: rewind },
    hosts: { pg1: { address: '10.0.0.1' }, alone: { address: '10.0.0.4', roles: ['base', 'pgdg', 'postgresql', 'replication'] } },
    postgresql: { superuser_password: superuser },
    replication: { password: replication },
    patroni: { rewind_password: rewind, restapi_password: restapi },
  };
}

async function inventoryWith(passwords: Passwords): Promise<Inventory> {
  const loaded = await load(draft(passwords));
  if ('refused' in loaded) throw loaded.refused;
  return loaded.inventory;
}

/** The forms in which a password stands in a file or a text. */
function formsOf(password: string): string[] {
  return [...new Set([password, JSON.stringify(password).slice(1, -1), password.replace(/[\\:]/gu, '\\$&')])];
}

/** patroni.yml as an earlier run may have left it, with passwords that this one does not know. */
function formerFile(password: string): string {
  const account = { name: 'somebody', password };
  return renderTemplate('patroni/patroni.yml', {
    scope: 'demo',
    namespace: '/service/',
    name: 'pg1',
    restapi: { listen: '', connectAddress: '', username: 'patroni', password },
    store: renderTemplate('patroni/etcd3.yml', { hosts: [], ca: '', certificate: '', key: '' }),
    dcs: {},
    initdb: [],
    postgresql: { listen: '', connectAddress: '', dataDirectory: '', binDirectory: '', pgpass: '', parameters: {}, hba: [] },
    superuser: account,
    replication: account,
    rewind: account,
    watchdog: { mode: 'off', device: '' },
    tags: {},
  });
}

/** A state in which the resource has something to do, or one that it understands where it never has of these. */
function busyState(resource: Resource, former: string): unknown {
  const states: unknown[] = [
    { type: 'file', owner: 'root', group: 'root', mode: '0600', content: Buffer.from(former) },
    { server: 'primary', exists: false, verifier: '', attributes: [] },
    { answers: true, current: { ttl: 1 }, ours: [] },
    ...STATES,
    [],
    'wrong',
  ];
  const changesIn = (state: unknown): number => {
    try {
      return resource.diff(state).length;
    } catch {
      return -1;
    }
  };
  return states.find((state) => changesIn(state) > 0) ?? states.find((state) => changesIn(state) === 0);
}

describe(`hostile passwords (${DEPTH})`, () => {
  it('are many', () => expect(SETS.length).toBeGreaterThan(MATRIX ? 15 : 3));

  it('appear in no plan, neither current passwords nor those of an earlier run', { timeout: patience(60_000) }, async () => {
    for (const passwords of SETS) {
      const inventory = await inventoryWith(passwords);
      // Never made a Secret, and so known by its place alone.
      const former = `${passwords.rewind.slice(1)}${passwords.restapi.slice(0, -1)} was it`;
      for (const platform of SYSTEMS) {
        const shapes = new Map(inventory.hosts.map(({ name }) => [name, buildHostWork(CATALOG, contextOf(inventory, name, platform))]));
        const states = new Map(
          [...shapes].map(([name, { stages }]) => [
            name,
            new Map(
              stages.flatMap(({ stage }) => [
                ...stage.resources.map((resource): [string, unknown] => [resource.id, busyState(resource, formerFile(former)) ?? {}]),
                ...(stage.gates ?? []).map((gate): [string, unknown] => [gate.id, { open: true, seen: '' }]),
              ]),
            ),
          ]),
        );
        const plan = buildPlan(joinHostWork(CATALOG, shapes), states);
        expect(plan.some(({ resource }) => resource === `file:${platform.patroni.configFile}`)).toBe(true);
        const texts = plan.flatMap(({ summary, before = '', after = '' }) => [summary, before, after]).join('\n');
        for (const form of [...Object.values(passwords), former].flatMap(formsOf)) expect(texts.includes(form), shown(form)).toBe(false);
      }
    }
  });

  it('appear in no error', async () => {
    for (const passwords of SETS) {
      await inventoryWith(passwords);
      for (const password of Object.values(passwords)) {
        const loaded = await load({ ...draft(passwords), replication: { password: `${password}\n` } });
        const message = 'refused' in loaded ? loaded.refused.message : 'taken';
        expect(message).toContain('replication.password: must be printable ASCII characters');
        const [probed] = [file({ path: '/f', content: '' })].map((resource) => {
          try {
            resource.parse({ status: 1, out: Buffer.from(`file a b 600\n${'x'.repeat(280)}${password}`) });
            return '';
          } catch (error) {
            return (error as Error).message;
          }
        });
        const said = redact(
          formsOf(password)
            .map((form) => `psql: error: ${form} is wrong\nh:1:d:u:${form}`)
            .join('\n'),
        );
        for (const form of formsOf(password))
          expect(
            [message, probed, said].some((text) => text?.includes(form)),
            shown(form),
          ).toBe(false);
        expect(probed).not.toContain(JSON.stringify(password).slice(1, 9));
      }
    }
  });

  const root = sharedDirectory();
  inEveryShell(HOST_SHELLS, (shell) => {
    it('reach their files, and are in no argument of any program', { timeout: patience(120_000) }, async () => {
      const recorder = new RecordingShell(root.at(shell));
      for (const passwords of SETS.filter((_, index) => index % 4 === HOST_SHELLS.indexOf(shell as 'dash'))) {
        const scripts = hostScripts(await inventoryWith(passwords)).filter(({ script }) =>
          Object.values(passwords)
            .flatMap(formsOf)
            .some((form) => script.text.includes(form.replaceAll("'", `'\\''`))),
        );
        const { calls } = await recorder.run(shell, scripts, 0);
        const all = calls.flat();
        const words = all.filter(({ name }) => !['content', 'input'].includes(name)).flatMap((call) => call.words);
        for (const form of Object.values(passwords).flatMap(formsOf))
          expect(
            words.some((word) => word.includes(form)),
            shown(form),
          ).toBe(false);

        const contents = (end: string): string[] =>
          all
            .filter(({ name, words: [path = ''] }) => name === 'content' && path.endsWith(end))
            .map((call) => (call.words[1] ?? '').slice(0, -1));
        const [configs, files] = [[...contents('/config.yml'), ...contents('/patroni.yml')], contents('/.pgpass')];
        expect([configs.length > 1, files.length > 1]).toEqual([true, true]);
        const { superuser, replication, rewind, restapi } = passwords;
        for (const text of configs) {
          expect(parse(text)).toMatchObject({
            restapi: { authentication: { password: restapi } },
            postgresql: {
              authentication: { superuser: { password: superuser }, replication: { password: replication }, rewind: { password: rewind } },
            },
          });
        }
        const hosts = ['10.0.0.1', '10.0.0.4'];
        for (const text of files)
          expect(hosts.map((host) => passwordFrom(text, [host, '5432', 'replication', 'replicator']))).toContain(replication);
        const inputs = all.filter(({ name }) => name === 'input').map((call) => call.words[1] ?? '');
        expect(inputs.some((text) => text.includes(`user = ${JSON.stringify(`patroni:${restapi}`)}`))).toBe(true);
      }
    });
  });
});
