import { describe, expect, it } from 'vitest';
import { coveringLine } from '../../src/postgres/hba-cover.js';

describe('the line that decides all connections of a later one', () => {
  it.each([
    { title: 'all', early: 'local all all peer', late: 'local app app scram-sha-256' },
    { title: 'the same words', early: 'host app app 10.0.0.0/24 md5', late: 'host app app 10.0.0.0/24 scram-sha-256' },
    { title: 'a wider network', early: 'host all all 10.0.0.0/8 md5', late: 'host app app 10.0.0.0/24 trust' },
    { title: 'a mask', early: 'host all all 10.0.0.0 255.0.0.0 md5', late: 'host app app 10.0.0.0/24 trust' },
    { title: 'every address', early: 'host all all all md5', late: 'host app app ::1/128 trust' },
    { title: 'IPv6', early: 'host all all 2001:db8::/32 md5', late: 'host app app 2001:db8:1::/48 trust' },
    { title: 'every type', early: 'host all all 10.0.0.0/8 md5', late: 'hostssl app app 10.0.0.1/32 trust' },
    { title: 'no SSL, with which GSSAPI does not go', early: 'hostnossl all all all md5', late: 'hostgssenc app app all trust' },
    { title: 'lists', early: 'host a,b x,y all md5', late: 'host b y all trust' },
    { title: 'physical replication', early: 'host replication rep all md5', late: 'host replication rep 10.0.0.0/8 trust' },
    { title: 'a host name', early: 'host all all db.example.com md5', late: 'host app app DB.example.com trust' },
    { title: 'options', early: 'local all all peer map=a', late: 'local app app peer map=b' },
    { title: 'a group, by its own word', early: 'local all +team peer', late: 'local app +team trust' },
  ])('is found: $title', ({ early, late }) => expect(coveringLine(late, ['# none', early], 17)).toBe(early));

  it.each([
    { title: 'another type', early: 'local all all peer', late: 'host app app all md5' },
    { title: 'a narrower type', early: 'hostssl all all all md5', late: 'host app app all trust' },
    { title: 'another database', early: 'local app app peer', late: 'local other app trust' },
    { title: 'part of a list', early: 'local app app peer', late: 'local app,other app trust' },
    { title: 'replication, which all does not mean', early: 'local all all peer', late: 'local replication rep trust' },
    { title: 'a database of that name', early: 'local replication all peer', late: 'local "replication" all trust' },
    { title: 'a role that is called all', early: 'local all "all" peer', late: 'local app app trust' },
    { title: 'a role in a group', early: 'local all +team peer', late: 'local app app trust' },
    { title: 'a role that is named like a group', early: 'local all "+team" peer', late: 'local app +team trust' },
    { title: 'a narrower network', early: 'host all all 10.0.0.0/24 md5', late: 'host all all 10.0.0.0/8 trust' },
    { title: 'the other family', early: 'host all all 0.0.0.0/0 md5', late: 'host all all ::1/128 trust' },
    { title: 'a mask with holes', early: 'host all all 10.0.0.0 255.0.255.0 md5', late: 'host all all 10.0.0.0/24 trust' },
    { title: 'an unknown network', early: 'host all all samenet md5', late: 'host all all 10.0.0.0/24 trust' },
    { title: 'the same answer', early: 'local all all peer', late: 'local app app peer' },
    { title: 'a comment', early: '# local all all peer', late: 'local app app trust' },
    { title: 'a line that is wrong', early: 'locl all all peer', late: 'local app app trust' },
  ])('is not $title', ({ early, late }) => expect(coveringLine(late, [early], 17)).toBeUndefined());
});
