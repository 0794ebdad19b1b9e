import { describe, expect, it } from 'vitest';
import noLeader from '../../../src/diagnoses/cluster/no-leader.js';
import type { ClusterMember } from '../../../src/resources/patroni/member.js';
import { only, type Differs } from '../examined.js';

/** No member leads, and hands gave these a tag. */
const tagged = (tags: Readonly<Record<string, unknown>>, ...names: readonly string[]): Differs => ({
  leader: null,
  listed: Object.fromEntries(names.map((name): [string, Partial<ClusterMember>] => [name, { tags }])),
});

describe('a cluster that nobody leads', () => {
  it('names the tags where these keep every member that runs from leading, and the command that takes them out', () => {
    const found = only(noLeader, tagged({ nofailover: true }, 'pg1', 'pg2', 'pg3'));
    expect(found.what).toBe('no member leads: the tag nofailover keeps pg1, pg2 and pg3 from it');
    expect(found.evidence.at(-1)).toEqual({ host: 'pg3', source: 'Patroni’s REST API', line: 'tags {"nofailover":true}' });
    expect(found.mend).toMatch(
      /`pgprov recover \S+` writes \/etc\/patroni\/config\.yml on pg1, pg2 and pg3 as the inventory has it, and starts the member with the last commits first$/u,
    );
  });

  it('says what is given up where a host is off', () => {
    const { what, mend } = only(noLeader, { ...tagged({ failover_priority: 0 }, 'pg2', 'pg3'), off: ['pg1'] });
    expect(what).toBe('no member leads: the tag failover_priority keeps pg2 and pg3 from it');
    expect(mend).toMatch(/; where pg1 cannot come back, `pgprov recover \S+ --without pg1` does so without what only pg1 may have$/u);
  });

  it('says nothing of tags where a member is free to lead', () => {
    expect(only(noLeader, tagged({ nofailover: true }, 'pg1', 'pg2')).what).toBe('no member leads');
  });
});
