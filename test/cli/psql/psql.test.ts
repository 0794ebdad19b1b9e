import { describe, expect, it } from 'vitest';
import { remoteArguments } from '../../../src/cli/psql/arguments.js';
import { findServer } from '../../../src/cli/psql/find-server.js';
import type { Visited, Visits } from '../../../src/engine/visits.js';
import { UnreachableError } from '../../../src/lib/errors.js';
import type { Host, Inventory } from '../../../src/model/index.js';
import { PATRONI_MEMBER, type ClusterMember, type PatroniMemberState } from '../../../src/resources/patroni/member.js';

describe("psql's arguments for a host", () => {
  it.each([
    [['-At', '-c', 'select 1'], { args: ['-At', '-c', 'select 1'] }],
    [['-f', 'a.sql', '-At'], { args: ['-f', '-', '-At'], file: 'a.sql' }],
    [['-fa.sql'], { args: ['-f', '-'], file: 'a.sql' }],
    [['-Atf', 'a.sql'], { args: ['-At', '-f', '-'], file: 'a.sql' }],
    [['--file=a.sql', 'db'], { args: ['-f', '-', 'db'], file: 'a.sql' }],
    [['--file', 'a.sql', '-1'], { args: ['-f', '-', '-1'], file: 'a.sql' }],
    [['-f', '-'], { args: ['-f', '-'] }],
    // Values that look like options.
    [['-c', '-f', '-v', 'o=1'], { args: ['-c', '-f', '-v', 'o=1'] }],
    [['-Atc', '-fx'], { args: ['-Atc', '-fx'] }],
    [['--', '-f', 'x'], { args: ['--', '-f', 'x'] }],
    [['--set=x=1', '--no-psqlrc', 'db', 'user'], { args: ['--set=x=1', '--no-psqlrc', 'db', 'user'] }],
  ])('%j', (args, remote) => expect(remoteArguments(args)).toEqual(remote));

  it.each([
    [['-f', 'a.sql', '-f', 'b.sql'], 'one file'],
    [['-o', 'out.txt'], '-o out.txt'],
    [['--output=out.txt'], 'would write a file'],
    [['-ALlog'], 'would write a file'],
  ])('are refused for %j', (args, message) => expect(() => remoteArguments(args)).toThrow(message));
});

/** What each host's Patroni answers; a text is why the host cannot be reached, undefined that it never answers. */
type Answers = Readonly<Record<string, PatroniMemberState | string | undefined>>;

const entry = (name: string, role: string, lag?: number, state = role === 'leader' ? 'running' : 'streaming'): ClusterMember => ({
  name,
  role,
  state,
  timeline: 1,
  lag,
  pendingRestart: false,
});

const member = (role: 'leader' | 'replica', cluster: ClusterMember[]): PatroniMemberState =>
  ({ answers: true, role, cluster }) as unknown as PatroniMemberState;

/** Hosts that answer, and which of them were let go. */
function cluster(
  answers: Answers,
  roles: readonly string[] = ['postgresql', 'patroni'],
): { inventory: Inventory; visits: Visits; closed: string[] } {
  const hosts = Object.keys(answers).map((name) => ({ name, roles }) as unknown as Host);
  const closed: string[] = [];
  const visits = {
    visit: async (host: Host): Promise<Visited> => {
      const answer = answers[host.name];
      if (answer === undefined) return new Promise(() => undefined);
      if (typeof answer === 'string') throw new UnreachableError({ kind: 'ssh/refused', host: host.name, message: answer });
      const observation = { ...PATRONI_MEMBER, probe: () => '', parse: () => answer };
      const states = new Map<string, unknown>();
      const session = {
        host,
        states,
        run: async () => ({ byId: new Map([[`see:${PATRONI_MEMBER.id}`, {}]]) }),
        seen: () => states.get(PATRONI_MEMBER.id),
        close: async () => void closed.push(host.name),
      };
      return { session, work: { observations: [observation], stages: [] } } as unknown as Visited;
    },
  } as unknown as Visits;
  return { inventory: { cluster: 'demo', hosts } as unknown as Inventory, visits, closed };
}

const found = async (answers: Answers, role: 'leader' | 'replica'): Promise<string> => {
  const { inventory, visits } = cluster(answers);
  return (await findServer(inventory, visits, { role })).session.host.name;
};

describe('the server that psql connects to', () => {
  const list = [entry('pg1', 'replica', 500), entry('pg2', 'leader'), entry('pg3', 'replica', 0)];
  const all = { pg1: member('replica', list), pg2: member('leader', list), pg3: member('replica', list) };

  it('is the leader, according to the members', async () => expect(await found(all, 'leader')).toBe('pg2'));

  it('is the standby with the least lag', async () => expect(await found(all, 'replica')).toBe('pg3'));

  it('is found without the hosts that are off or do not answer', async () => {
    expect(await found({ ...all, pg1: undefined, pg3: 'pg3 is off' }, 'leader')).toBe('pg2');
    expect(await found({ ...all, pg3: 'pg3 is off' }, 'replica')).toBe('pg1');
  });

  it('is not a member that leads only in its own view', async () => {
    const alone = member('leader', [entry('pg1', 'replica', 0), entry('pg2', 'leader')]);
    expect(await found({ pg1: alone, pg2: all.pg2 }, 'leader')).toBe('pg2');
  });

  it('is reported missing, with the hosts that did not answer', async () => {
    const none = [entry('pg1', 'replica'), entry('pg3', 'replica', 0, 'start failed')];
    const { inventory, visits } = cluster({ pg1: member('replica', none), pg2: 'pg2 is off' });
    await expect(findServer(inventory, visits, { role: 'leader' })).rejects.toMatchObject({
      message: 'demo has no leader now, as far as can be seen without pg2: pg2 is off',
      exitCode: 3,
    });
    const up = cluster({ pg1: member('replica', none) });
    await expect(findServer(up.inventory, up.visits, { role: 'leader' })).rejects.toMatchObject({ exitCode: 1 });
  });

  it('is not said to be missing where no host could be asked', async () => {
    const { inventory, visits } = cluster({ pg1: 'pg1 is off', pg2: 'pg2 is off' });
    await expect(findServer(inventory, visits, { role: 'leader' })).rejects.toMatchObject({
      message: 'no host of demo could be asked where its leader and its standbys are: pg1 is off',
      hint: expect.stringMatching(/^`pgprov ping .*says of each host what is wrong$/u) as string,
      exitCode: 3,
    });
  });

  it('is the host that is named, whatever its role', async () => {
    const { inventory, visits } = cluster(all);
    expect((await findServer(inventory, visits, { host: 'pg1' })).session.host.name).toBe('pg1');
    await expect(findServer(inventory, visits, { host: 'pg9' })).rejects.toThrow('there is no host "pg9"');
  });

  it('is the only server where there is no Patroni, and it has no standby', async () => {
    const { inventory, visits } = cluster({ db: member('replica', []) }, ['postgresql']);
    expect((await findServer(inventory, visits, { role: 'leader' })).session.host.name).toBe('db');
    await expect(findServer(inventory, visits, { role: 'replica' })).rejects.toThrow('no standbys');
  });

  it('has the connections to the other hosts closed', async () => {
    const { inventory, visits, closed } = cluster(all);
    await findServer(inventory, visits, { role: 'leader' });
    await expect.poll(() => [...closed].sort()).toEqual(['pg1', 'pg3']);
  });
});
