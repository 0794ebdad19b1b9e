import { describe, expect, it } from 'vitest';
import { memberSlots, type MemberSlotsState } from '../../src/resources/streaming/member-slots.js';
import { synchronousBegun, synchronousEnded, type SynchronousState } from '../../src/resources/streaming/synchronous.js';
import { copyingUnit, standbyCopied, standbyJoined } from '../../src/resources/streaming/standby-copy.js';

const server = { binDirectory: '/b', socketDirectory: '/s', port: 5432, user: 'postgres', home: '/h' };

describe('the slots of the standbys', () => {
  const slots = memberSlots({ id: 'slots', on: 'primary', server, names: ['pg2', 'pg3'], kept: [], ofMembers: ['pg2', 'pg3'], data: '/d' });
  const summaries = (state: MemberSlotsState): string[] => slots.diff(state).map(({ summary }) => summary);

  it('are made on the primary, also on one that is only to be started', () => {
    expect(summaries({ server: 'primary', slots: [{ name: 'pg2', idle: false, dead: false }] })).toEqual(['make the replication slot pg3']);
    expect(summaries({ server: 'down', slots: [] })).toEqual(['make the replication slots pg2 and pg3']);
  });

  it('are not made on a standby, where those that nobody uses are dropped', () => {
    expect(summaries({ server: 'standby', slots: [] })).toEqual([]);
    const left = {
      server: 'standby',
      slots: [
        { name: 'pg2', idle: true, dead: false },
        { name: 'pg3', idle: false, dead: false },
        { name: 'other', idle: true, dead: false },
      ],
    } as const;
    expect(summaries(left)).toEqual(['drop the replication slot pg2, which nobody uses: what it holds of the WAL would fill the disk']);
  });

  it('stay on the primary while their standby is away', () => {
    expect(
      summaries({
        server: 'primary',
        slots: [
          { name: 'pg2', idle: true, dead: false },
          { name: 'pg3', idle: true, dead: false },
        ],
      }),
    ).toEqual([]);
  });

  it('are made anew where they lost WAL and nobody uses them, because a copy through them would fail', () => {
    const lost = {
      server: 'primary',
      slots: [
        { name: 'pg2', idle: false, dead: true },
        { name: 'pg3', idle: false, dead: false },
      ],
    } as const;
    expect(summaries(lost)).toEqual(['make the replication slot pg2 anew, which lost WAL']);
    const script = slots.apply([], lost).text;
    expect(script.indexOf('pg_drop_replication_slot')).toBeLessThan(script.indexOf('pg_create_physical_replication_slot'));
  });

  it('of standbys of standbys are on the standby that they stream from, and stay there', () => {
    const kept = memberSlots({ id: 'slots', on: 'primary', server, names: [], kept: ['pg3'], ofMembers: ['pg3'], data: '/d' });
    expect(kept.diff({ server: 'standby', slots: [{ name: 'pg3', idle: true, dead: false }] })).toEqual([]);
    const cascade = memberSlots({ id: 'cascade', on: 'standby', server, names: ['pg3'], kept: [], ofMembers: [], data: '/d' });
    expect(cascade.diff({ server: 'standby', slots: [] })).toHaveLength(1);
    expect(cascade.diff({ server: 'down', slots: [] })).toHaveLength(1);
    expect(cascade.diff({ server: 'primary', slots: [] })).toEqual([]);
  });

  it('are dropped where the inventory has none any more', () => {
    const without = memberSlots({ id: 'slots', on: 'primary', server, names: [], kept: [], ofMembers: ['pg2'], data: '/d' });
    expect(without.diff({ server: 'primary', slots: [{ name: 'pg2', idle: true, dead: false }] })).toHaveLength(1);
  });
});

describe('the copy of a standby', () => {
  const copy = standbyCopied({ path: '/d', server, group: 'postgres', conninfo: 'host=a', slot: 'pg2' });

  it('is made once, and not while one is under way', () => {
    expect(copy.diff({ joining: false, copying: false, copied: false }).map(({ summary }) => summary)).toEqual([
      'copy the primary’s data into /d with pg_basebackup, through the slot pg2',
    ]);
    expect(copy.diff({ joining: true, copying: true, copied: false })).toEqual([]);
    expect(copy.diff({ joining: true, copying: false, copied: true })).toEqual([]);
  });

  it('has a unit and a note of its own for each data directory of the host', () => {
    expect(copyingUnit('/var/lib/postgresql/17/main')).toBe('pgprov-copy-var-lib-postgresql-17-main');
    expect(copyingUnit('/srv/pg-1/')).toBe(String.raw`pgprov-copy-srv-pg\x2d1`);
    const joined = (path: string): string => standbyJoined(path).apply([], { joining: true, copying: false, copied: true }).text;
    expect(joined('/a')).not.toBe(joined('/b'));
  });

  it('says that it is a standby’s before the directory has its name', () => {
    const script = copy.apply([], { joining: false, copying: false, copied: false }).text;
    expect(script.indexOf('/d.pgprov-copy/standby.signal')).toBeGreaterThan(0);
    expect(script.indexOf('mv -T /d.pgprov-copy /d')).toBeGreaterThan(script.indexOf('/d.pgprov-copy/standby.signal'));
  });
});

describe('the standbys that commits wait for', () => {
  const options = {
    server,
    data: '/d',
    path: '/c/s.conf',
    ownership: { owner: 'postgres', group: 'postgres', mode: '0644' },
    wanted: 'FIRST 1 (pg2)',
    names: ['pg2'],
  };
  const [ended, begun] = [synchronousEnded(options), synchronousBegun(options)];
  const both = (state: SynchronousState): string[][] => [ended, begun].map((each) => each.diff(state).map(({ summary }) => summary));

  it('are set on the primary alone, also on one that is only to be started', () => {
    expect(both({ server: 'primary', value: '' })).toEqual([[], ['have commits wait for FIRST 1 (pg2)']]);
    expect(both({ server: 'down', value: '' })).toEqual([[], ['have commits wait for FIRST 1 (pg2)']]);
    expect(both({ server: 'standby', value: '' })).toEqual([[], []]);
    expect(both({ server: 'primary', value: 'FIRST 1 (pg2)' })).toEqual([[], []]);
  });

  it('are taken away before others are set, and from a server that is a standby now', () => {
    const away = 'take /c/s.conf away: commits wait no longer for FIRST 1 (pg3)';
    expect(both({ server: 'primary', value: 'FIRST 1 (pg3)' })).toEqual([[away], ['have commits wait for FIRST 1 (pg2)']]);
    expect(both({ server: 'standby', value: 'FIRST 1 (pg2)' })).toEqual([[expect.stringContaining('take /c/s.conf away')], []]);
  });

  it('are set only when all of them stream', () => {
    const script = begun.apply([], { server: 'primary', value: '' }).text;
    expect(script.indexOf('pg_stat_replication')).toBeLessThan(script.indexOf('mktemp'));
    expect(script).toContain('commits are not made to wait');
  });
});
