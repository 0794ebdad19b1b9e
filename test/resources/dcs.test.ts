import { describe, expect, it } from 'vitest';
import { readScope, type DcsKeys } from '../../src/resources/dcs.js';

/** A store that has these keys. */
function scope(values: Record<string, string>): ReturnType<typeof readScope> {
  const keys = {
    name: 'etcd',
    find: () => new Map(Object.entries(values).map(([key, value]) => [key, { value, revision: '1' }])),
    show: (key: string) => ({ path: `/service/demo/${key}`, command: `etcdctl get /service/demo/${key}` }),
  } as unknown as DcsKeys;
  return readScope(keys, '');
}

describe('what the DCS knows about a lost leader', () => {
  it('includes its last position, and which member had all of its commits', () => {
    expect(
      scope({
        status: '{"optime":67150840,"slots":{"pg2":67150840},"retain_slots":["pg1"]}',
        sync: '{"leader":"pg1","sync_standby":"pg2,pg3","quorum":1}',
        history:
          '[[1,50331808,"no recovery target specified"],[2,67109024,"no recovery target specified","2026-01-01T00:00:00+00:00","pg1"]]',
      }),
    ).toMatchObject({ leaderPosition: 67150840, sync: { leader: 'pg1', standbys: ['pg2', 'pg3'] }, lastPromotion: { to: 'pg1' } });
    expect(scope({ sync: '{"leader":"pg1","sync_standby":null}' })).toMatchObject({ sync: { leader: 'pg1', standbys: [] } });
  });

  it.each<Record<string, string>>([
    {},
    { status: '', sync: '', history: '' },
    { status: '67150840', sync: '{}', history: '[]' },
    { status: '{"optime":"x"}', sync: '[]', history: '{}' },
    { status: '{', sync: '{"leader":null,"sync_standby":null}', history: '[' },
  ])('is nothing when nothing was noted: %j', (values) => {
    const seen = scope(values);
    expect(seen).not.toHaveProperty('leaderPosition');
    expect(seen).not.toHaveProperty('sync');
    expect(seen).not.toHaveProperty('lastPromotion');
    expect(seen).not.toHaveProperty('timelineEnds');
  });
});
