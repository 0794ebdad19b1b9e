import { describe, expect, it } from 'vitest';
import { hbaAdmits } from '../../src/postgres/hba-admits.js';

describe('a line of pg_hba.conf', () => {
  it.each([
    { line: 'host all all 10.0.0.0/24 scram-sha-256', from: '10.0.0.9', admits: true },
    { line: 'host app app 10.0.0.9/32 scram-sha-256', from: '10.0.0.9', admits: true },
    { line: 'host all all 10.0.0.9 255.255.255.255 scram-sha-256', from: '10.0.0.9', admits: true },
    { line: 'hostssl all all fd00::/64 scram-sha-256', from: 'fd00::9', admits: true },
    { line: 'host all all all scram-sha-256', from: '10.0.0.9', admits: true },
    { line: 'host all all samenet scram-sha-256', from: '10.0.0.9', admits: true },
    { line: 'host all all .example.com scram-sha-256', from: '10.0.0.9', admits: true },
    { line: 'include_if_exists more.conf', from: '10.0.0.9', admits: true },
    { line: 'host all all 10.0.1.0/24 scram-sha-256', from: '10.0.0.9', admits: false },
    { line: 'host all all fd00::/64 scram-sha-256', from: '10.0.0.9', admits: false },
    { line: 'host all all 10.0.0.0/24 reject', from: '10.0.0.9', admits: false },
    { line: 'local all all peer', from: '10.0.0.9', admits: false },
    { line: '# host all all all trust', from: '10.0.0.9', admits: false },
    { line: 'nonsense', from: '10.0.0.9', admits: false },
  ])('"$line" lets $from in: $admits', ({ line, from, admits }) => expect(hbaAdmits(line, from, 17)).toBe(admits));
});
