import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MovingMembers } from '../integration/support/moving-members.js';
import { must } from '../integration/support/outside.js';
import { killAtEach, pgprov } from '../integration/support/pgprov.js';

/** A cluster whose members get other names and addresses, with a client that writes all the while. pg2 keeps both, and is asked. */
describe('members that move', () => {
  let moving: MovingMembers;
  let file = '';

  beforeAll(async () => {
    moving = await MovingMembers.start('moves');
    file = moving.cluster.file;
  });

  afterAll(async () => {
    await moving?.remove();
  });

  it('take another name with their data, by the same command where pgprov was killed at each step of it', async () => {
    const made = await moving.began('pg3');
    await moving.call('pg3', 'db3');
    await moving.isRefused(/pgprov rename \S+ --host pg3 --to db3/u);
    const rename = ['rename', file, '--host', 'pg3', '--to', 'db3', '--yes', '--output', 'plain'];
    await killAtEach(rename, [/rename\/stop /u, /base\//u, /patroni\/start/u, /rename\/slots/u]);
    const renamed = await pgprov(...rename);
    expect(renamed.code, renamed.all).toBe(0);
    moving.former.push('pg3');
    await moving.isWhole();
    expect(await moving.began('pg3')).toBe(made);
    const again = await pgprov(...rename);
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('the member is db3 already')]);
  });

  it('take another name where they lead, once another one leads', async () => {
    const leads = await moving.leader();
    const other = leads === 'pg2' ? 'pg1' : leads;
    await moving.lead(other);
    const name = `${other}x`;
    await moving.call(other, name);
    const renamed = await pgprov('rename', file, '--host', other, '--to', name, '--yes');
    expect(renamed.code, renamed.all).toBe(0);
    expect(renamed.all).toMatch(/writes paused for/u);
    moving.former.push(other);
    await moving.isWhole();
  });

  it('take another address with their data, by the same command where pgprov was killed at each step of it', async () => {
    const leads = await moving.leader();
    const [name, { on }] = moving.members().find(([each, member]) => each !== leads && member.on !== 'pg2') ?? ['', { on: '' }];
    const made = await moving.began(on);
    const before = moving.host(on).address;
    await must(moving.host(on), `ip addr add ${moving.later(on)}/24 dev eth0`);
    await moving.put(name, moving.later(on));
    await moving.isRefused(new RegExp(`pgprov readdress \\S+ --host ${name} --from ${before}`, 'u'));
    const early = await pgprov('readdress', file, '--host', name, '--from', before, '--yes');
    expect([early.code, early.all]).toEqual([4, expect.stringContaining('from its former address')]);
    await moving.give(on);
    const readdress = ['readdress', file, '--host', name, '--from', before, '--yes', '--output', 'plain'];
    await killAtEach(readdress, [/readdress\/stop /u, /readdress\/tell-store/u, /etcd\/start/u, /patroni\/start/u]);
    const readdressed = await pgprov(...readdress);
    expect(readdressed.code, readdressed.all).toBe(0);
    await moving.leave(on);
    await moving.isWhole();
    expect(await moving.began(on)).toBe(made);
    const again = await pgprov(...readdress);
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('already')]);
  });

  it('take another address where they lead, once another one leads', async () => {
    const [name, { on }] = moving
      .members()
      .find(([, member]) => member.on !== 'pg2' && member.address === moving.host(member.on).address) ?? ['', { on: '' }];
    await moving.lead(name);
    await moving.give(on);
    const before = moving.host(on).address;
    await moving.put(name, moving.later(on));
    const readdressed = await pgprov('readdress', file, '--host', name, '--from', before, '--yes');
    expect(readdressed.code, readdressed.all).toBe(0);
    await moving.leave(on);
    await moving.isWhole();
  });

  it('are refused where another host is down, or a name is not given, and nothing is changed', async () => {
    const [name, { on }] = moving.members().find(([, member]) => member.on !== 'pg2') ?? ['', { on: '' }];
    const wrong = await pgprov('rename', file, '--host', name, '--to', 'pg2', '--yes');
    expect([wrong.code, wrong.all]).toEqual([2, expect.stringContaining(`the inventory still has a host ${name}`)]);
    await moving.call('pg2', 'db2');
    await must(moving.host(on), 'systemctl stop etcd');
    const refused = await pgprov('rename', file, '--host', 'pg2', '--to', 'db2', '--yes');
    expect([refused.code, refused.all]).toEqual([4, expect.stringContaining('would work for a quorum')]);
    await must(moving.host(on), 'systemctl start etcd');
    await moving.call('db2', 'pg2');
    await moving.isWhole();
  });
});
