import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { faultyPgdg, type LabHost, mirrorRequests, PGDG_KEY_URL, publicKey } from '../lab/index.js';
import { describeInTurn } from '../support/family-turn.js';
import { TestCluster } from './support/cluster.js';
import { must } from './support/outside.js';
import type { Finished } from './support/pgprov.js';

/** The key as the mirror with the stranger's signature publishes it. */
const STRANGERS_KEY_URL = 'https://wrongkey.lab/media/keys/ACCC4CF8.asc';

describeInTurn('sources of packages', 'Debian', 'the source of packages', () => {
  let cluster: TestCluster;
  let host: LabHost;
  let pgdg: string;
  let stranger: string;

  beforeAll(async () => {
    cluster = await TestCluster.start('itmir', 'debian13', 1);
    host = cluster.host('pg1');
    pgdg = (await publicKey('pgdg')).fingerprint;
    stranger = (await publicKey('stranger')).fingerprint;
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  async function apply(pgdgSection: Record<string, unknown>): Promise<Finished> {
    await cluster.write({ pgdg: pgdgSection });
    return cluster.run('apply', '--role', 'pgdg');
  }

  function source(): Promise<string> {
    return must(host, 'cat /etc/apt/sources.list.d/pgdg.sources');
  }

  describe('with a fault', () => {
    afterEach(async () => {
      expect(await must(host, 'ls /etc/apt/sources.list.d')).toBe('debian.sources');
      await must(host, 'apt-get -q -o APT::Update::Error-Mode=any update && apt-get -q -s install jq');
      expect(await must(host, 'ls /run | grep -E "^pgprov-(apt|key)" || :')).toBe('');
    });

    it('is not added when the mirror is down', async () => {
      const run = await apply({ base_url: faultyPgdg('down') });
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/Failed to fetch https:\/\/down\.lab\S+ +Unable to connect/u);
      expect(run.all).toMatch(
        /the repository https:\/\/down\.lab\/pub\/repos\/apt trixie-pgdg was not added; check the address \(pgdg\.base_url\) and its signature/u,
      );
      expect(run.all).toMatch(/→ .*run the same command again/u);
    });

    it('is not added when the mirror does not sign', async () => {
      const run = await apply({ base_url: faultyPgdg('unsigned') });
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/not signed/u);
      expect(run.all).toContain('was not added');
    });

    it('is not added when the signature does not match', async () => {
      const run = await apply({ base_url: faultyPgdg('badsig') });
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/BADSIG|bad signature|signature.*invalid|invalid signature|verif/iu);
      expect(run.all).toContain('was not added');
    });

    it('is not added when the signature is made with another key', async () => {
      const run = await apply({ base_url: faultyPgdg('wrongkey') });
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/NO_PUBKEY|Missing key|not available|verif/iu);
      expect(run.all).toContain('was not added');
    });

    it('is not added when the path is wrong', async () => {
      const run = await apply({ base_url: 'https://apt.postgresql.org/nowhere' });
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/https:\/\/apt\.postgresql\.org\/nowhere.*does not have a Release file/u);
    });
  });

  describe('with a key', () => {
    beforeEach(async () => {
      await must(host, 'rm -rf /etc/apt/sources.list.d/pgdg.sources /etc/apt/keyrings');
    });

    /** Refused before apt would trust it: no source, and no key file. */
    async function expectNoTrust(run: Finished): Promise<void> {
      expect(run.code).not.toBe(0);
      expect(await must(host, 'ls /etc/apt/sources.list.d')).toBe('debian.sources');
      expect(await must(host, 'ls /etc/apt/keyrings 2>/dev/null || :')).toBe('');
    }

    it('does not trust the wrong one at the right address', async () => {
      const run = await apply({ key_url: STRANGERS_KEY_URL });
      expect(run.all).toContain(`the key at ${STRANGERS_KEY_URL} is not the pinned one`);
      expect(run.all).toContain(`found ${stranger}, expected ${pgdg}`);
      await expectNoTrust(run);
    });

    it('does not trust the right one when another is pinned', async () => {
      const run = await apply({ key_fingerprint: stranger });
      expect(run.all).toContain(`the key at ${PGDG_KEY_URL} is not the pinned one`);
      expect(run.all).toContain(`found ${pgdg}, expected ${stranger}`);
      await expectNoTrust(run);
    });

    it('says where it could not be fetched from', async () => {
      const run = await apply({ key_url: 'https://down.lab/key.asc' });
      expect(run.all).toContain('the repository key could not be fetched from https://down.lab/key.asc');
      await expectNoTrust(run);
    });

    it('does not trust an inline one that is not the pinned one', async () => {
      const run = await apply({ key: (await publicKey('stranger')).armored });
      expect(run.all).toMatch(new RegExp(`${stranger}[\\s\\S]*${pgdg}|${pgdg}[\\s\\S]*${stranger}`, 'u'));
      await expectNoTrust(run);
    });

    it('accepts an inline one, without fetching any', async () => {
      const run = await apply({ key: (await publicKey('pgdg')).armored, key_url: 'https://down.lab/key.asc' });
      expect(run.code).toBe(0);
      expect(await source()).toContain('Signed-By: ');
    });

    it('accepts the key of a mirror that signs with its own', async () => {
      const run = await apply({ base_url: faultyPgdg('wrongkey'), key_url: STRANGERS_KEY_URL, key_fingerprint: stranger });
      expect(run.code).toBe(0);
      await must(host, 'apt-get -q -o APT::Update::Error-Mode=any update');
    });
  });

  describe('without a fault', () => {
    it('is added as deb822 with Signed-By, under its public address', async () => {
      const run = await apply({});
      expect(run.code).toBe(0);
      const text = await source();
      expect(text).toMatch(/^Types: deb$/mu);
      expect(text).toMatch(/^URIs: https:\/\/apt\.postgresql\.org\/pub\/repos\/apt$/mu);
      expect(text).toMatch(/^Suites: trixie-pgdg$/mu);
      const key = /^Signed-By: (\S+)$/mu.exec(text)?.[1] ?? '';
      expect(await must(host, `cat ${key}`)).toBe((await publicKey('pgdg')).armored.trim());
      expect(await must(host, 'apt-cache policy postgresql-17')).toContain('https://apt.postgresql.org/pub/repos/apt trixie-pgdg/main');
    });

    it('moves to a mirror that a variable names', async () => {
      const run = await apply({ base_url: 'http://apt.postgresql.org/pub/repos/apt' });
      expect(run.code).toBe(0);
      expect(await source()).toMatch(/^URIs: http:\/\/apt\.postgresql\.org\/pub\/repos\/apt$/mu);
      expect((await mirrorRequests()).join('\n')).toMatch(
        /^http:\/\/apt\.postgresql\.org\/pub\/repos\/apt\/dists\/trixie-pgdg\/InRelease (?:200|304)$/mu,
      );
      expect((await cluster.run('apply', '--role', 'pgdg')).all).toContain('No changes');
    });

    it('keeps the current source when the next mirror is down', async () => {
      const before = await source();
      const run = await apply({ base_url: faultyPgdg('down') });
      expect(run.code).toBe(1);
      expect(await source()).toBe(before);
      await must(host, 'apt-get -q -o APT::Update::Error-Mode=any update');
    });
  });
});
