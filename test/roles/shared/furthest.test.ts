import { describe, expect, it } from 'vitest';
import { furthest } from '../../../roles/shared/furthest.js';
import type { ClusterData } from '../../../src/resources/data-directory.js';

/** Data as pg_controldata and pg_waldump tell of it. */
function data(clusterState: string, timeline: number, lastRecord: string | undefined, rest: Partial<ClusterData> = {}): ClusterData {
  return {
    kind: 'cluster',
    version: '17',
    systemIdentifier: '7',
    checksums: 1,
    clusterState,
    copy: 'none',
    ours: false,
    control: 'valid',
    running: false,
    position: { timeline, checkpoint: '0/1000028', nextOid: 20_000, lastRecord },
    history: undefined,
    misowned: undefined,
    ...rest,
  };
}

const standby = (timeline: number, lastRecord: string | undefined, rest?: Partial<ClusterData>): ClusterData =>
  data('shut down in recovery', timeline, lastRecord, rest);
const primary = (timeline: number, lastRecord: string | undefined, rest?: Partial<ClusterData>): ClusterData =>
  data('shut down', timeline, lastRecord, rest);
const history = (timeline: number, ...forks: string[]): Pick<ClusterData, 'history'> => ({ history: { timeline, forks } });

describe('furthest', () => {
  const known = (host: string): object => ({ kind: 'known', host });

  it.each<{ title: string; members: Record<string, ClusterData>; found: unknown }>([
    { title: 'no member', members: {}, found: undefined },
    { title: 'one member', members: { a: standby(1, undefined) }, found: known('a') },
    {
      title: 'the leader that ended last',
      members: { a: standby(2, '0/5000000'), b: primary(2, '0/5000078'), c: standby(2, '0/4FFFFFF') },
      found: known('b'),
    },
    { title: 'a later record, beyond 32 bits', members: { a: primary(2, '0/FFFFFFFF'), b: standby(2, '1/0') }, found: known('b') },
    {
      title: 'the newer timeline, however short',
      members: { a: primary(2, '0/9000000'), b: standby(3, '0/5000000'), c: primary(1, '1/0') },
      found: known('b'),
    },
    { title: 'the primary among equals', members: { a: standby(2, '0/5'), b: primary(2, '0/5') }, found: known('b') },
    {
      title: 'the member with a clean shutdown among equals',
      members: { a: standby(2, '0/5'), b: data('in production', 2, '0/5'), c: primary(2, '0/5') },
      found: known('c'),
    },
    { title: 'the first of equal standbys', members: { a: standby(2, '0/5'), b: standby(2, '0/5') }, found: known('a') },
    { title: 'a crashed primary with more WAL', members: { a: standby(2, '0/5'), b: data('in production', 2, '0/6') }, found: known('b') },
    {
      title: 'a single member on the newest timeline whose WAL could not be read',
      members: { a: data('in production', 3, undefined), b: standby(2, '0/5') },
      found: known('a'),
    },
    {
      title: 'WAL that could not be read',
      members: { a: data('in production', 2, undefined), b: standby(2, '0/5'), c: standby(2, undefined) },
      found: { kind: 'unknown', why: 'it is unknown how far the WAL of a and c goes', unread: ['a', 'c'] },
    },
    {
      title: 'data without output of pg_controldata',
      members: { a: primary(2, '0/5'), b: standby(1, undefined, { position: undefined }) },
      found: { kind: 'unknown', why: 'pg_controldata cannot read the data of b', unread: ['b'] },
    },
    {
      title: 'the same history',
      members: { a: standby(2, '0/5', history(2, '1 0/3')), b: primary(2, '0/6', history(2, '1 0/3')) },
      found: known('b'),
    },
    {
      title: 'a history that one member lacks',
      members: { a: standby(2, '0/5'), b: primary(2, '0/6', history(2, '1 0/3')) },
      found: known('b'),
    },
    {
      title: 'two histories',
      members: { a: standby(2, '0/5', history(2, '1 0/3')), b: primary(2, '0/6', history(2, '1 0/4')) },
      found: { kind: 'forked', hosts: ['a', 'b'], timeline: 2 },
    },
    {
      title: 'two histories that a newer timeline has left behind',
      members: {
        a: standby(2, '0/5', history(2, '1 0/3')),
        b: standby(2, '0/5', history(2, '1 0/4')),
        c: standby(3, '0/6', history(3, '1 0/4', '2 0/6')),
      },
      found: known('c'),
    },
    {
      title: 'a primary that serves',
      members: { a: primary(2, '0/9'), b: data('in production', 2, undefined, { running: true }), c: standby(2, undefined) },
      found: known('b'),
    },
    {
      title: 'the newer timeline beside a primary that serves',
      members: { a: primary(3, '0/9'), b: data('in production', 2, undefined, { running: true }) },
      found: known('a'),
    },
    {
      title: 'two primaries that serve',
      members: { a: data('in production', 2, undefined, { running: true }), b: data('in production', 2, undefined, { running: true }) },
      found: { kind: 'forked', hosts: ['a', 'b'], timeline: 2 },
    },
    {
      title: 'a standby that serves, or a server that is starting',
      members: { a: primary(2, '0/9'), b: data('in crash recovery', 2, undefined, { running: true }) },
      found: { kind: 'unknown', why: 'PostgreSQL runs on b, and no Patroni there reports its WAL position' },
    },
    {
      title: 'a history of an absent member',
      members: { a: primary(2, '0/5'), b: standby(2, '0/5', history(3, '1 0/3', '2 0/5')) },
      found: { kind: 'unknown', why: 'b knows of timeline 3, and none of these hosts has data of it' },
    },
    {
      title: 'a history of an absent member, alone',
      members: { b: standby(2, '0/5', history(3, '1 0/3', '2 0/5')) },
      found: { kind: 'unknown', why: 'b knows of timeline 3, and none of these hosts has data of it' },
    },
  ])('chooses in this case: $title', ({ members, found }) => {
    expect(furthest(Object.entries(members).map(([host, each]) => ({ host, data: each })))).toEqual(found);
  });

  const promoted = { a: primary(2, '0/5', history(2, '1 0/4')), b: primary(1, '0/6') };
  const end = (timeline: number, at: number) => ({ timeline, at, reason: '', time: undefined, leader: undefined });
  it.each([
    { title: 'lost in a failover that Patroni has noted', members: promoted, noted: [end(1, 4)], found: known('a') },
    {
      title: 'beyond a promotion that Patroni has not noted',
      members: promoted,
      noted: [],
      found: { kind: 'forked', hosts: ['a', 'b'], timeline: 1 },
    },
    {
      title: 'beyond a promotion at another place',
      members: promoted,
      noted: [end(1, 6)],
      found: { kind: 'forked', hosts: ['a', 'b'], timeline: 1 },
    },
    { title: 'not there: the promoted one had all of it', members: { ...promoted, b: primary(1, '0/3') }, noted: [], found: known('a') },
  ])('judges WAL of an older timeline: $title', ({ members, noted, found }) => {
    expect(
      furthest(
        Object.entries(members).map(([host, each]) => ({ host, data: each })),
        noted,
      ),
    ).toEqual(found);
  });
});
