import { describe, expect, it } from 'vitest';
import { expandHosts } from '../../src/ansible/host-range.js';

describe('a range of hosts', () => {
  it.each([
    ['pg1', ['pg1']],
    ['pg[1:3]', ['pg1', 'pg2', 'pg3']],
    ['pg[08:10].lan', ['pg08.lan', 'pg09.lan', 'pg10.lan']],
    ['db-[a:c]', ['db-a', 'db-b', 'db-c']],
    ['n[0:6:3]', ['n0', 'n3', 'n6']],
    ['r[1:2]-[a:b]', ['r1-a', 'r1-b', 'r2-a', 'r2-b']],
    ['pg[3:1]', undefined],
    ['pg[1:b]', undefined],
    ['pg[1:2', undefined],
    ['pg[1:99999999]', undefined],
  ])('%s', (pattern, names) => expect(expandHosts(pattern)).toEqual(names));
});
