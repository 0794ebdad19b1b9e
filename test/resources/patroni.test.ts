import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/resources/dynamic-config.js';
import { patroniConfig, wakeLeader, type PatroniConfigState } from '../../src/resources/patroni/config.js';
import { holdsLeaderLock, patroniMember } from '../../src/resources/patroni/member.js';
import { Secret } from '../../src/lib/secret.js';
import { WORK_DIRECTORY } from '../../src/shell/lock.js';
import { freshDirectory } from '../support/directory.js';
import { RestApi, told } from '../support/http-answers.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { runSections } from '../support/sections.js';
import { feed, HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';
import { listen } from '../support/tls-servers.js';

const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });

describe('patroniConfig', () => {
  const make = (desired: JsonObject): ReturnType<typeof patroniConfig> =>
    patroniConfig({ url: 'http://10.0.0.1:8008', scope: 'demo', user: 'patroni', password: new Secret('qu"ote\\d'), desired });

  /** What the probe tells after its first line. */
  const configured = (body: string, status = 200): string =>
    told({ 'http://10.0.0.1:8008/config': { status, body } }, make({}).sharedQuestions ?? []);

  /** What is sent, from the script that sends it. */
  const patchOf = (desired: JsonObject, state: PatroniConfigState): unknown => {
    const word = /\nprintf %s (.*) >"\$patch"\n/u.exec(make(desired).apply([], state).text)?.[1] ?? '';
    return JSON.parse(word.replace(/^'|'$/gu, '').replaceAll("'\\''", "'"));
  };

  it.each<{ text: string; state: PatroniConfigState }>([
    { text: '', state: { answers: false } },
    { text: configured('<html>'), state: { answers: false } },
    { text: configured('{"ttl":30}', 503), state: { answers: false } },
    { text: `|{"state":"running"}\n@0123456789ab 200 0.01\n${configured('{"ttl":\n30}')}`, state: { answers: true, current: { ttl: 30 } } },
  ])('reads $text', ({ text, state }) => expect(make({}).parse(answer(text))).toEqual(state));

  const cases: { title: string; desired: JsonObject; current: JsonObject; changes: string[]; patch: unknown }[] = [
    { title: 'as desired', desired: { ttl: 30 }, current: { ttl: 30, other: 1 }, changes: [], patch: {} },
    { title: 'text for a number', desired: { a: 5 }, current: { a: '5' }, changes: [], patch: {} },
    {
      title: 'another value',
      desired: { ttl: 30 },
      current: { ttl: 20 },
      changes: ['set ttl to 30 (is 20)'],
      patch: { ttl: 30, pgprov: { set: [['ttl']] } },
    },
    {
      title: 'a nested value',
      desired: { postgresql: { parameters: { max_connections: 200, x: 'a b' } } },
      current: { postgresql: { parameters: { max_connections: 100 }, use_slots: true } },
      changes: ['set postgresql.parameters.max_connections to 200 (is 100)', 'set postgresql.parameters.x to a b (is not set)'],
      patch: {
        postgresql: { parameters: { max_connections: 200, x: 'a b' } },
        pgprov: {
          set: [
            ['postgresql', 'parameters', 'max_connections'],
            ['postgresql', 'parameters', 'x'],
          ],
        },
      },
    },
    {
      title: 'a removed value, one that others removed, and one that pgprov no longer sets',
      desired: { ttl: 30 },
      current: {
        ttl: 30,
        postgresql: { parameters: { work_mem: '1MB', theirs: 1 } },
        pgprov: { set: [['ttl'], ['postgresql', 'parameters', 'work_mem'], ['postgresql', 'parameters', 'gone']] },
      },
      changes: ['unset postgresql.parameters.work_mem (is 1MB)', 'leave postgresql.parameters.gone to others'],
      patch: { postgresql: { parameters: { work_mem: null } }, pgprov: { set: [['ttl']] } },
    },
    {
      title: 'a list',
      desired: { a: [1, 2] },
      current: { a: [2, 1] },
      changes: ['set a to [1,2] (is [2,1])'],
      patch: { a: [1, 2], pgprov: { set: [['a']] } },
    },
    {
      title: 'quotes',
      desired: { a: "it's" },
      current: {},
      changes: ["set a to it's (is not set)"],
      patch: { a: "it's", pgprov: { set: [['a']] } },
    },
  ];

  it.each(cases)('compares the configuration: $title', ({ desired, current, changes, patch }) => {
    const state: PatroniConfigState = { answers: true, current };
    const found = make(desired).diff(state);
    expect(found.map(({ summary }) => summary.replace(' in the dynamic configuration', ''))).toEqual(changes);
    expect(patchOf(desired, state)).toEqual(patch);
  });

  it('differs from nothing while no Patroni answers', () => expect(make({ ttl: 30 }).diff({ answers: false })).toEqual([]));

  const work = freshDirectory();
  inEveryShell(HOST_SHELLS, (shell) => {
    /** Sends a setting to a Patroni that answers so. */
    async function sent(says: string): Promise<{ host: MadeUpHost; status: number | undefined; words: string }> {
      const curl = `cat >'${work.at('input')}'\nfor word; do case "$word" in @*) cat "\${word#@}" >'${work.at('body')}' ;; esac; done\n${says}`;
      const host = new MadeUpHost({ root: work.path, programs: { curl }, paths: [WORK_DIRECTORY] });
      const body = host.script(make({ ttl: 30 }).apply([], { answers: true, current: {} }));
      const done = (await runSections(shell, [{ id: 'do', mode: 'step', body }])).answers.get('do');
      return { host, status: done?.status, words: done?.out.toString() ?? '' };
    }

    it('is sent with the password on standard input, and recorded as set by pgprov', async () => {
      const { host, ...done } = await sent("printf '{}\\n200'");
      expect(done).toEqual({ status: 0, words: '' });
      expect(readFileSync(work.at('input'), 'utf8')).toBe('user = "patroni:qu\\"ote\\\\d"\n');
      expect(readFileSync(work.at('body'), 'utf8')).toBe('{"ttl":30,"pgprov":{"set":[["ttl"]]}}');
      expect(host.calls().join('\n')).toMatch(/ -K - -X PATCH .*http:\/\/10\.0\.0\.1:8008\/config$/u);
      expect(host.calls().join('\n')).not.toContain('ote');
      expect(readdirSync(host.at(WORK_DIRECTORY))).toEqual([]);
    });

    it.each([
      { says: "printf 'ttl is too short\\n400'", words: 'ttl is too short\n400' },
      { says: "echo 'curl: (7) refused' >&2; printf '\\n000'; exit 7", words: 'curl: (7) refused\n\n000' },
    ])('fails with Patroni’s own words: $words', async ({ says, words }) => {
      const { host: _, ...done } = await sent(says);
      expect(done).toEqual({ status: 1, words: `Patroni did not take the configuration: ${words}\n` });
    });
  });
});

describe('wakeLeader', () => {
  const work = freshDirectory();

  it('does nothing when there is no other member', () =>
    expect(wakeLeader({ urls: [], user: 'patroni', password: new Secret('open sesame') }).text).toBe(':'));

  inEveryShell(HOST_SHELLS, (shell) => {
    it('sends the leader an empty request, with the password on standard input', async () => {
      const curl = `case "$*" in *-K*) cat >'${work.at('input')}' ;; *) printf '503 200 ' ;; esac`;
      const host = new MadeUpHost({ root: work.path, programs: { curl } });
      const urls = ['http://10.0.0.1:8008', 'http://10.0.0.2:8008'];
      await feed(shell, host.script(wakeLeader({ urls, user: 'patroni', password: new Secret('open sesame') })).text);
      expect(readFileSync(work.at('input'), 'utf8')).toBe('user = "patroni:open sesame"\n');
      expect(host.calls()).toHaveLength(2);
      expect(host.calls()[1]).toMatch(/ -X PATCH -d \{"woken_by_pgprov":null\} .* http:\/\/10\.0\.0\.2:8008\/config$/u);
      expect(host.calls().join('\n')).not.toContain('sesame');
    });

    it.skipIf(!isThere('curl'))('finds the leader among members of which some do not answer', async () => {
      const [replica, leader] = [new RestApi(), new RestApi()];
      leader.leader = 200;
      const ports = [await listen(replica.server), await listen(leader.server)];
      const urls = ['http://127.0.0.1:1', ...ports.map((port) => `http://127.0.0.1:${port}`), 'http://127.0.0.1:2'];
      await feed(shell, wakeLeader({ urls, user: 'patroni', password: new Secret('new') }).text);
      [replica, leader].forEach(({ server }) => server.close());
      expect(replica.asked).toEqual(['GET /leader']);
      expect(leader.asked).toEqual(['GET /leader', 'PATCH /config patroni:new {"woken_by_pgprov":null}']);
    });
  });
});

describe('patroniMember', () => {
  const member = patroniMember('http://10.0.0.1:8008');
  const says = (status: number, body: string, listed?: string): string =>
    told(
      { 'http://10.0.0.1:8008/patroni': { status, body }, ...(listed === undefined ? {} : { 'http://10.0.0.1:8008/cluster': listed }) },
      member.sharedQuestions ?? [],
    );
  const own = {
    state: 'running',
    postmaster_start_time: '2026-01-01',
    role: 'primary',
    server_version: 170006,
    timeline: 3,
    pending_restart: true,
    replication: [
      { application_name: 'pg2', state: 'streaming', sync_state: 'async', extra: 1 },
      { application_name: 'psql', state: 'startup', sync_state: 'async' },
    ],
    database_system_identifier: '74',
    patroni: { version: '4.0.4', scope: 'demo', name: 'pg1' },
  };
  const cluster = {
    members: [
      { name: 'pg1', role: 'leader', state: 'running', timeline: 3 },
      { name: 'pg2', role: 'replica', state: 'streaming', timeline: 3, lag: 0, pending_restart: true },
      { name: 'pg3', lag: 'unknown' },
    ],
  };

  it('reads Patroni’s answer, without a login over the replication protocol that was sent nothing', () => {
    expect(member.parse(answer(says(200, JSON.stringify(own), JSON.stringify(cluster))))).toEqual({
      answers: true,
      state: 'running',
      role: 'leader',
      scope: 'demo',
      name: 'pg1',
      version: '4.0.4',
      systemIdentifier: '74',
      timeline: 3,
      serverVersion: 170006,
      postmasterStart: '2026-01-01',
      pendingRestart: true,
      replication: [{ application: 'pg2', state: 'streaming', syncState: 'async' }],
      cluster: [
        { name: 'pg1', role: 'leader', state: 'running', timeline: 3, lag: undefined, pendingRestart: false },
        { name: 'pg2', role: 'replica', state: 'streaming', timeline: 3, lag: 0, pendingRestart: true },
        { name: 'pg3', role: '', state: '', timeline: undefined, lag: undefined, pendingRestart: false },
      ],
    });
  });

  it.each([
    { version: '3.0.2', streams: true, state: 'streaming' },
    { version: '3.0.2', streams: false, state: 'running' },
    { version: '3.0.4', streams: true, state: 'running' },
    { version: '4.0.4', streams: true, state: 'running' },
  ])('takes a standby that Patroni $version lists as running for $state, when its server streams to it: $streams', (given) => {
    const leading = {
      ...own,
      patroni: { ...own.patroni, version: given.version },
      replication: given.streams ? own.replication : [],
    };
    const listed = { members: [cluster.members[0], { ...cluster.members[1], state: 'running' }] };
    const found = member.parse(answer(says(200, JSON.stringify(leading), JSON.stringify(listed))));
    expect(found.answers && found.cluster.map(({ state }) => state)).toEqual(['running', given.state]);
  });

  it('reads why a restart is pending, a scheduled switchover, and maintenance mode', () => {
    const reason = {
      max_connections: { old_value: '100', new_value: '200' },
      ssl: { old_value: true, new_value: null },
      odd: 'text',
    };
    const listed = {
      members: [
        {
          name: 'pg1',
          role: 'leader',
          state: 'running',
          pending_restart: true,
          pending_restart_reason: reason,
          scheduled_restart: { schedule: '2099-01-01T00:00:00+00:00' },
        },
      ],
      pause: true,
      scheduled_switchover: { at: '2026-01-01T00:00:00+00:00', from: 'pg1' },
    };
    const itself = JSON.stringify({ ...own, pending_restart_reason: reason });
    expect(member.parse(answer(says(200, itself, JSON.stringify(listed))))).toMatchObject({
      paused: true,
      pendingReasons: { max_connections: { from: '100', to: '200' } },
      scheduled: { at: '2026-01-01T00:00:00+00:00', from: 'pg1' },
      cluster: [
        {
          pendingReasons: { max_connections: { from: '100', to: '200' }, ssl: { from: 'true', to: '' } },
          scheduledRestart: '2099-01-01T00:00:00+00:00',
        },
      ],
    });
  });

  it.each([
    { role: 'master', reads: 'leader' },
    { role: 'primary', reads: 'leader' },
    { role: 'standby_leader', reads: 'leader' },
    { role: 'replica', reads: 'replica' },
    { role: 'uninitialized', reads: 'replica' },
    { role: undefined, reads: 'replica' },
  ])('reads the role $role as $reads', ({ role, reads }) => {
    expect(member.parse(answer(says(503, JSON.stringify({ role }))))).toMatchObject({
      answers: true,
      role: reads,
      state: 'unknown',
      cluster: [],
    });
  });

  it.each(['', '\n', '{}', '|{}\n', says(200, ''), says(200, '{"state": "run'), says(200, '<html>')])('reads %j as no answer', (text) => {
    expect(member.parse(answer(text))).toEqual({ answers: false });
  });

  it.each([
    { title: 'its PostgreSQL leads and it has the lock', role: 'primary', listed: 'leader', led: true },
    { title: 'it is the leader of a standby cluster', role: 'standby_leader', listed: 'standby_leader', led: true },
    { title: 'its PostgreSQL leads without the lock', role: 'primary', listed: 'replica', led: false },
    { title: 'it has the lock, and its PostgreSQL follows', role: 'replica', listed: 'leader', led: false },
    { title: 'the cluster does not list it', role: 'primary', listed: undefined, led: false },
  ])('leads when $title: $led', ({ role, listed, led }) => {
    const members = [
      { name: 'pg2', role: listed === 'leader' ? 'replica' : 'leader' },
      ...(listed === undefined ? [] : [{ name: 'pg1', role: listed }]),
    ];
    expect(
      holdsLeaderLock(member.parse(answer(says(200, JSON.stringify({ role, state: 'running' }), JSON.stringify({ members })))), 'pg1'),
    ).toBe(led);
  });

  it('leads nothing while it does not answer', () => expect(holdsLeaderLock({ answers: false }, 'pg1')).toBe(false));
});
