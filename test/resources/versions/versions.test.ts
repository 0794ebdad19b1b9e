import { describe, expect, it } from 'vitest';
import { isNewer } from '../../../roles/shared/programs.js';
import { readVersions, upstreamVersion } from '../../../src/resources/versions/installed.js';
import { packageOffers } from '../../../src/resources/versions/offers.js';
import { runningProgram } from '../../../src/resources/versions/running.js';
import { packagesOnHold } from '../../../src/resources/versions/on-hold.js';
import { packagesSwitched } from '../../../src/resources/versions/switched.js';

const answer = (text: string): { out: Buffer; status: number } => ({ out: Buffer.from(text), status: 0 });

describe('versions of packages', () => {
  it.each([
    ['17.6-1.pgdg130+1', '17.6'],
    ['17.6-1PGDG.rhel9', '17.6'],
    ['1:3.5.16-4', '3.5.16'],
    ['17.12-0+deb13u1', '17.12'],
  ])('%s is %s', (version, upstream) => {
    expect(upstreamVersion(version)).toBe(upstream);
  });

  it.each([
    ['17.10-1', '17.9-1', true],
    ['17.9-1', '17.10-1', false],
    ['17.6-1', '17.6-1', false],
    ['17.6-2', '17.6-1', true],
    ['4.1.0-1', '4.0.7-9', true],
  ])('%s is newer than %s: %s', (a, b, newer) => {
    expect(isNewer(a, b)).toBe(newer);
  });

  it('are read of dpkg and of rpm, only where they are wholly installed', () => {
    const dpkg = 'postgresql-17 installed 17.6-1 install\netcd-server half-configured 3.5.16-4 install\npatroni not-installed  unknown\n';
    expect(readVersions(answer(dpkg), ['postgresql-17', 'etcd-server', 'patroni'])).toEqual({ 'postgresql-17': '17.6-1' });
    const rpm = '=patroni 4.0.7-1PGDG.rhel9\npackage etcd is not installed\n=other 1-1\n';
    expect(readVersions(answer(rpm), ['patroni', 'etcd'])).toEqual({ patroni: '4.0.7-1PGDG.rhel9' });
  });
});

describe('what repositories offer', () => {
  const offers = packageOffers('apt', ['patroni', 'etcd-server']);

  it('is read with the versions newest first', () => {
    const text =
      'installed\tpatroni\t4.0.6-1\ncandidate\tpatroni\t4.0.7-1\nversion\tpatroni\t4.0.7-1\nversion\tpatroni\t4.0.6-1\nheld\tpatroni\n';
    expect(offers.parse(answer(text))).toEqual({
      packages: {
        patroni: { installed: '4.0.6-1', candidate: '4.0.7-1', versions: ['4.0.7-1', '4.0.6-1'], held: true },
        'etcd-server': { versions: [] },
      },
    });
  });

  it('is asked once in a run, and says where the lists are old', () => {
    const seen = offers.parse(answer('stale\tE: nobody answers\n'));
    expect(seen.stale).toBe('E: nobody answers');
    expect(offers.probe(seen).text).toBe(':');
    expect(offers.parse(answer(''), seen)).toBe(seen);
  });
});

describe('a program that runs', () => {
  const program = runningProgram({ name: 'patroni', manager: 'apt', packages: ['patroni'], process: { unit: 'patroni' } });

  it.each([
    ['patroni installed 4.0.7-1 install\nprocess old\n', { installed: { patroni: '4.0.7-1' }, old: true }],
    ['patroni installed 4.0.7-1 install\nprocess new\n', { installed: { patroni: '4.0.7-1' }, old: false }],
    ['', { installed: {} }],
  ])('%j', (text, state) => {
    expect(program.parse(answer(text))).toEqual(state);
  });
});

describe('packages that change their version', () => {
  const resource = packagesSwitched({ manager: 'apt', versions: { patroni: '4.0.7-1' }, units: ['patroni'] });

  it.each([
    ['patroni installed 4.0.6-1 install\n', ['patroni 4.0.6-1 → 4.0.7-1']],
    ['patroni half-installed 4.0.7-1 install\n', ['patroni not wholly installed → 4.0.7-1']],
    ['patroni installed 4.0.7-1 install\n', []],
    ['patroni installed 4.0.7-1 install\nheld-back\n', ['let package scripts start services again']],
  ])('%j', (text, summaries) => {
    expect(resource.diff(resource.parse(answer(text))).map(({ summary }) => summary)).toEqual(summaries);
  });

  it('are on hold again afterwards, which apt forgets', () => {
    const held = packagesSwitched({ manager: 'apt', versions: { patroni: '4.0.7-1' }, units: ['patroni'], hold: ['patroni'] });
    const summaries = (text: string): string[] => held.diff(held.parse(answer(text))).map(({ summary }) => summary);
    expect(summaries('patroni installed 4.0.7-1 install\n')).toEqual(['put patroni on hold']);
    expect(summaries('patroni installed 4.0.7-1 hold\n')).toEqual([]);
    expect(summaries('patroni installed 4.0.6-1 hold\n')).toEqual(['patroni 4.0.6-1 → 4.0.7-1']);
    expect(held.apply([{ action: 'install', summary: '' }], { installed: {}, heldBack: false, held: [] }).text).toMatch(
      /install 'patroni=4\.0\.7-1'[^]*apt-mark hold patroni/u,
    );
  });

  it('hold back what their scripts would restart, and let it go when the script ends', () => {
    const apt = resource.apply([{ action: 'install', summary: '' }], { installed: {}, heldBack: false, held: [] }).text;
    expect(apt).toContain('trap restore EXIT');
    expect(apt).toContain("install 'patroni=4.0.7-1'");
    const dnf = packagesSwitched({ manager: 'dnf', versions: { patroni: '4.0.7-1' }, units: ['patroni'], back: true });
    const script = dnf.apply([{ action: 'install', summary: '' }], { installed: {}, heldBack: false, held: [] }).text;
    expect(script).toContain('RefuseManualStop=yes');
    expect(script).toContain('downgrade /var/lib/pgprov/update/former/patroni.rpm');
  });
});

describe('packages on hold', () => {
  const SEEN = 'postgresql-17 installed 17.6-1 hold\npostgresql-client-17 installed 17.6-1 install\nlibpq5 installed 17.6-1 hold\n';
  const resource = (hold: boolean): ReturnType<typeof packagesOnHold> =>
    packagesOnHold({ name: 'postgresql', packages: ['postgresql-17', 'postgresql-client-17'], hold });

  it.each<[boolean, string, string[]]>([
    [true, SEEN, ['put postgresql-client-17 on hold']],
    [true, SEEN.replaceAll('install\n', 'hold\n'), []],
    [true, '', ['put postgresql-17 postgresql-client-17 on hold']],
    [false, SEEN, ['take postgresql-17 off hold']],
    [false, '', []],
  ])('wanted %s: %j', (hold, seen, summaries) => {
    const { diff, parse } = resource(hold);
    expect(diff(parse(answer(seen))).map(({ summary }) => summary)).toEqual(summaries);
  });

  it('are marked one by one, with what `status` says of them until then', () => {
    const held = resource(true);
    const state = held.parse(answer(SEEN));
    expect(held.diff(state)[0]?.danger).toContain('at its own moment');
    expect(held.apply(held.diff(state), state).text).toContain('apt-mark hold postgresql-client-17');
    expect(resource(false).apply([], state).text).toContain('apt-mark unhold postgresql-17');
  });
});
