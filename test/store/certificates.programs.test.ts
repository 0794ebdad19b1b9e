import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../src/store/authority.js';
import { Certificates } from '../../src/store/certificates.js';
import type { Renewal } from '../../src/store/renewal.js';
import { splitBundle } from '../../src/store/trust.js';
import { freshDirectory } from '../support/directory.js';
import { expired } from '../support/expired.js';
import { isThere } from '../support/shells.js';
import { DEMO } from '../support/demo.js';

const NODES = [
  { name: 'pg1', names: ['10.0.0.1'] },
  { name: 'pg2', names: ['10.0.0.2'] },
];
const openssl = isThere('openssl');

describe.skipIf(!openssl)(openssl ? 'Certificates' : 'Certificates (skipped: no openssl on this machine)', () => {
  const work = freshDirectory();
  const pki = (): string => work.at('pki');
  const read = (...path: string[]): string => readFileSync(work.at('pki', ...path), 'utf8');

  /** What a run does: opens, prepares, and saves unless it is killed before. */
  async function run(renewal: Renewal = {}, { save = true, writable = true } = {}): Promise<Certificates> {
    const certificates = await Certificates.open(pki(), DEMO, writable, renewal);
    await certificates.prepare(NODES);
    if (save) await certificates.save(['pg1', 'pg2']);
    return certificates;
  }

  const certificate = (certificates: Certificates, name: string): X509Certificate =>
    new X509Certificate(certificates.node(name).certificate);
  const signed = (certificates: Certificates, name: string, by: string): boolean =>
    certificate(certificates, name).verify(new X509Certificate(by).publicKey);
  const keepExpired = (name: string): void => {
    const authority = { certificate: read('ca.crt'), key: read('ca.key') };
    writeFileSync(work.at('pki', 'nodes', `${name}.crt`), expired(read('nodes', `${name}.crt`), read('nodes', `${name}.key`), authority));
  };

  it('renews all hosts when asked to, or only the given ones', async () => {
    const first = await run();
    const second = await run({ all: true, hosts: ['pg1'] });
    expect(second.node('pg2')).toEqual(first.node('pg2'));
    expect(second.node('pg1').certificate).not.toBe(first.node('pg1').certificate);
    expect(second.node('pg1').key.reveal()).not.toBe(first.node('pg1').key.reveal());
    expect((await run()).node('pg1')).toEqual(second.node('pg1'));
  });

  it.each<{ title: string; renewal: Renewal; renewed: string[] }>([
    { title: 'what has expired', renewal: {}, renewed: ['pg2'] },
    { title: 'what expires within the given days', renewal: { withinDays: 2000 }, renewed: ['pg1', 'pg2'] },
    { title: 'nothing of other hosts', renewal: { hosts: ['pg1'] }, renewed: [] },
  ])('renews $title', async ({ renewal, renewed }) => {
    await run();
    keepExpired('pg2');
    const before = ['pg1', 'pg2'].map((name) => read('nodes', `${name}.crt`));
    await run(renewal);
    expect(['pg1', 'pg2'].filter((name, index) => read('nodes', `${name}.crt`) !== before[index])).toEqual(renewed);
  });

  it('shows a read-only command what would be renewed, and writes nothing', async () => {
    await run();
    keepExpired('pg2');
    const before = readdirSync(pki(), { recursive: true }).sort();
    const look = await run({ rotation: 'trust' }, { writable: false });
    expect(look.node('pg1').certificate).toContain('BEGIN CERTIFICATE');
    expect(look.node('pg2').certificate).toBe('(made anew)\n');
    expect(look.bundle).toContain('made by `certs renew --ca`');
    expect(readdirSync(pki(), { recursive: true }).sort()).toEqual(before);
  });

  it('makes a pair anew when a killed run wrote only the key', async () => {
    const first = await run();
    writeFileSync(work.at('pki', 'nodes', 'pg1.key'), first.node('pg2').key.reveal());
    const again = await run();
    expect(again.node('pg1').certificate).not.toBe(first.node('pg1').certificate);
    expect(again.node('pg1').key.reveal()).not.toBe(first.node('pg2').key.reveal());
  });

  it('rotates the authority in three phases, and in each of them hosts of the previous phase are trusted', async () => {
    const old = await run();
    const trust = await run({ rotation: 'trust' });
    const [first = '', second = ''] = splitBundle(trust.bundle) ?? [];
    expect(first).toBe(old.bundle);
    expect(trust.node('pg1')).toEqual(old.node('pg1'));
    const issue = await run({ rotation: 'issue' });
    expect(issue.bundle).toBe(trust.bundle);
    expect(['pg1', 'pg2'].map((name) => signed(issue, name, second))).toEqual([true, true]);
    const drop = await run({ rotation: 'drop' });
    expect(drop.bundle).toBe(second);
    expect(drop.node('pg1')).toEqual(issue.node('pg1'));
    expect(drop.authority.phase).toBe('drop');
    await (await Certificates.open(pki(), DEMO, true)).finishRotation();
    const done = await run();
    expect([done.authority.phase, done.bundle, done.node('pg1')]).toEqual([undefined, second, issue.node('pg1')]);
    expect(new X509Certificate(second).subject).toBe('CN=pgprov CA 2 of demo');
  });

  it('stays in its phase whichever command runs in between', async () => {
    await run();
    const trust = await run({ rotation: 'trust' });
    const apply = await run();
    expect([apply.bundle, apply.authority.phase]).toEqual([trust.bundle, 'trust']);
    const issue = await run({ rotation: 'issue' });
    expect((await run()).node('pg2')).toEqual(issue.node('pg2'));
  });

  it('has entered no phase when it is killed before it saves', async () => {
    const old = await run();
    await run({ rotation: 'trust' }, { save: false });
    expect((await run()).bundle).toBe(old.bundle);
    expect(existsSync(work.at('pki', 'authorities.json'))).toBe(false);
  });

  it('replaces an expired authority, which issues no more certificates', async () => {
    await run();
    writeFileSync(work.at('pki', 'ca.crt'), expired(read('ca.crt'), read('ca.key')));
    await expect(run({ all: true })).rejects.toMatchObject({
      kind: 'store/ca-expired',
      hint: "make a new one with `pgprov certs renew '/etc/my clusters/demo.yml' --ca`",
    });
    const replaced = await run({ rotation: 'replace' });
    expect(splitBundle(replaced.bundle)).toHaveLength(1);
    expect(signed(replaced, 'pg1', replaced.bundle)).toBe(true);
    expect(replaced.authority.phase).toBe('drop');
  });

  it('issues no certificate that outlives its authority', async () => {
    await run();
    const short = { certificate: read('ca.crt'), key: read('ca.key') };
    const { issueNode } = await import('../../src/store/issue.js');
    const node = new X509Certificate((await issueNode(pki(), { name: 'pg9', names: [] }, short)).certificate);
    expect(Date.parse(node.validTo)).toBeLessThanOrEqual(Date.parse(new X509Certificate(short.certificate).validTo));
  });

  it('issues one for some days only, which is kept nowhere', async () => {
    const { authority } = await run();
    const there = readdirSync(pki(), { recursive: true });
    const { certificate } = await authority.issue({ name: 'pg1', names: [] }, 7);
    expect(Math.round((Date.parse(new X509Certificate(certificate).validTo) - Date.now()) / 86_400_000)).toBe(7);
    expect(readdirSync(pki(), { recursive: true })).toEqual(there);
  });

  it('recognises its current and former authorities, and a bundle with an unknown authority as foreign', async () => {
    const old = (await run()).bundle;
    const both = (await run({ rotation: 'trust' })).bundle;
    const { authority } = await run({ rotation: 'issue' });
    const foreign = await Certificates.open(work.at('other'), DEMO, true);
    await foreign.prepare(NODES);
    expect([old, both, `${both}\n`].map((bundle) => authority.knows(bundle))).toEqual([true, true, true]);
    expect([foreign.bundle, both + foreign.bundle, '', 'CA\n', `${old}# mine\n`].map((bundle) => authority.knows(bundle))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it('keeps everything private to its owner, and leaves no draft behind', async () => {
    await run();
    await run({ rotation: 'trust' });
    await run({ rotation: 'issue' });
    const all = readdirSync(pki(), { recursive: true, encoding: 'utf8' }).sort();
    expect(all).toEqual([
      'authorities.json',
      'ca-2.crt',
      'ca-2.key',
      'ca.crt',
      'ca.key',
      'nodes',
      'nodes/pg1.crt',
      'nodes/pg1.key',
      'nodes/pg2.crt',
      'nodes/pg2.key',
      'revocations.json',
    ]);
    const modes = all.map((name) => (statSync(work.at('pki', name)).mode & 0o777).toString(8));
    expect(modes).toEqual(all.map((name) => (name === 'nodes' ? '700' : '600')));
  });

  it('refuses a file of authorities that it did not write, or whose authority is gone', async () => {
    await run();
    writeFileSync(work.at('pki', 'authorities.json'), '{"issuing":');
    await expect(Authority.open(pki(), DEMO)).rejects.toMatchObject({ kind: 'store/unreadable' });
    writeFileSync(work.at('pki', 'authorities.json'), '{"issuing":"ca-2","trusted":["ca-2"]}');
    rmSync(work.at('pki', 'nodes'), { recursive: true });
    await expect(run()).rejects.toMatchObject({ kind: 'store/unreadable', message: expect.stringContaining('ca-2.crt') as string });
  });
});
