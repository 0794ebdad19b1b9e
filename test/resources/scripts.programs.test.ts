import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { PLATFORMS } from '../../src/platform/index.js';
import { buildHostWork } from '../../src/plan/host-work.js';
import { hostFacts } from '../../src/resources/host-facts.js';
import type { Gate, Observation, Resource } from '../../src/resources/resource.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { joinScripts } from '../../src/shell/quote.js';
import { applyScripts } from '../support/apply-scripts.js';
import { sharedDirectory } from '../support/directory.js';
import { contextOf, inventoryOf, THREE } from '../support/inventory.js';
import { runSections } from '../support/sections.js';
import { feed, HOST_SHELLS, inEveryShell, SHELLS } from '../support/shells.js';
import { patience } from '../support/patience.js';

const inventory = await inventoryOf(`${THREE}  alone:
    address: 192.0.2.9
    roles: [base, firewall, pgdg, postgresql, replication]
    firewall: {backend: ufw}
    pgdg: {crb: true, epel: true}
    postgresql: {data_dir: /srv/pg}
`);

/** Everything the roles may send to a host, on each platform and for each kind of host. */
const shapes = PLATFORMS.flatMap((platform) =>
  ['pg1', 'alone'].map((name) => buildHostWork(CATALOG, contextOf(inventory, name, platform))),
);
const observations: Observation[] = [hostFacts(), ...shapes.flatMap((shape) => shape.observations)];
const resources: Resource[] = shapes.flatMap(({ stages }) => stages.flatMap(({ stage }) => stage.resources));
const gates: Gate[] = shapes.flatMap(({ stages }) => stages.flatMap(({ stage }) => stage.gates ?? []));

describe('the scripts of the roles', () => {
  const all = [...observations, ...resources, ...gates];

  it('are many', () => {
    expect(new Set(all.map(({ id }) => id.split(':')[0])).size).toBeGreaterThan(15);
    for (const resource of resources) expect(applyScripts(resource)).not.toEqual([]);
  });

  it.each(all.map(({ id }) => id))('include %s, with an id that a frame can carry', (id) => expect(id).toMatch(/^\S+$/u));

  inEveryShell(SHELLS, (shell) => {
    it('have results that can be parsed', async () => {
      const named = [
        ...sharedSections(all).map(({ id, body }) => [id, body] as const),
        ...all.map((observation) => [observation.id, observation.probe()] as const),
        ...resources.flatMap((resource) => applyScripts(resource).map((script) => [resource.id, script] as const)),
        ...gates.map((gate) => [gate.id, gate.wait()] as const),
      ];
      const distinct = [...new Map(named.map(([id, script]) => [script.text, id]))];
      const whole = distinct.map(([text]) => `(\n${text}\n)`).join('\n');
      const { code, err } = await feed(shell, whole, { args: ['-n'] });
      if (code !== 0 || err !== '') {
        for (const [text, id] of distinct)
          expect({ id, ...(await feed(shell, text, { args: ['-n'] })) }).toMatchObject({ code: 0, err: '' });
      }
      expect({ code, err }).toEqual({ code: 0, err: '' });
    });
  });

  /** Where apt-cache is one that asks apt for its caches once, and then tells the same: opening them takes a second each time. */
  const work = sharedDirectory();
  beforeAll(() => {
    const kept = spawnSync('apt-cache', ['policy', 'pgprov-no-such-package', 'sed'], { encoding: 'utf8' }).stdout ?? '';
    writeFileSync(work.at('kept'), kept);
    writeFileSync(work.at('apt-cache'), `#!/bin/sh\ncat '${work.at('kept')}'\n`, { mode: 0o755 });
  });

  inEveryShell(
    HOST_SHELLS,
    (shell) => {
      const askable = [...new Map(all.map((observation) => [`${observation.id} ${observation.probe().text}`, observation])).values()];

      it('can question a machine that has nothing of what they look for', { timeout: patience(60_000) }, async () => {
        const sections = [
          ...sharedSections(askable),
          ...askable.map((observation, index) => ({ id: `see:${index}`, mode: 'probe' as const, body: observation.probe() })),
        ];
        const { answers, complete } = await runSections(shell, sections, {
          edit: (text) => text.replace(/^PATH=/mu, `PATH=${work.path}:`),
        });
        expect(complete).toBe(true);
        askable.forEach((observation, index) => {
          const answer = answers.get(`see:${index}`);
          if (answer === undefined) throw new Error(`${observation.id} did not answer`);
          expect(() => observation.parse(answer), observation.id).not.toThrow();
        });
      });

      it('can question in an environment with hardly a program', { timeout: patience(60_000) }, async () => {
        const bare = askable.filter(({ id }) => !/^(?:file|directory|apt-key|host-facts|free-space)/u.test(id));
        const sections = [
          ...sharedSections(bare),
          ...bare.map((observation, index) => ({ id: `see:${index}`, mode: 'probe' as const, body: observation.probe() })),
        ];
        const { answers, complete } = await runSections(shell, sections, {
          edit: (text) => text.replace(/^PATH=.*$/mu, 'PATH=/nowhere'),
        });
        expect(complete).toBe(true);
        bare.forEach((observation, index) => {
          const answer = answers.get(`see:${index}`);
          if (answer === undefined) throw new Error(`${observation.id} did not answer`);
          if (observation.id.startsWith('apt-repository')) return;
          expect(() => observation.parse(answer), observation.id).not.toThrow();
        });
      });
    },
    { sideBySide: true },
  );

  it('have the same text whichever role asks', () => {
    const again = buildHostWork(CATALOG, contextOf(inventory, 'pg1', PLATFORMS[0]));
    const text = (shape: typeof again): string =>
      joinScripts(shape.stages.flatMap(({ stage }) => stage.resources.map((resource) => resource.probe()))).text;
    expect(text(again)).toBe(text(shapes[0] as typeof again));
    const digests = (shape: typeof again): string[] =>
      shape.stages.flatMap(({ stage }) => stage.resources.map((resource) => resource.digest()));
    expect(digests(again)).toEqual(digests(shapes[0] as typeof again));
  });
});
