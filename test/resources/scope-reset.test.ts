import { describe, expect, it } from 'vitest';
import { isFormer, scopeReset } from '../../src/resources/scope-reset.js';
import type { DcsKeys } from '../../src/resources/dcs.js';
import { NOTHING, sh } from '../../src/shell/quote.js';

/** A store whose answer is the JSON of its keys. */
const keys: DcsKeys = {
  name: 'Shelf',
  question: { variable: 'pgprov_shelf', subjects: [], ask: () => NOTHING },
  led: NOTHING,
  find: (text) =>
    text === 'away'
      ? text
      : new Map(Object.entries(JSON.parse(text) as Record<string, string>).map(([key, value]) => [key, { value, revision: `${key}@1` }])),
  clearMark: () => NOTHING,
  put: (key, value, revision) => sh`put ${key} ${value} ${revision}`,
  remove: (key, revision) => sh`remove ${key} ${revision}`,
  absent: 'absent',
  show: (key) => ({ path: `/service/demo/${key}`, command: '' }),
};

const FULL = {
  config: '{}',
  initialize: '7',
  status: '{"optime":1}',
  history: '[]',
  failover: '{}',
  sync: '{}',
  failsafe: '{}',
  'members/pg1': '{}',
};

describe('scopeReset', () => {
  const resource = (identifier: string) => scopeReset({ keys, identifier, unless: NOTHING });
  const carriedOut = (identifier: string, stored: object): string[] => {
    const state = resource(identifier).parse({ status: 0, out: Buffer.from(JSON.stringify(stored)) });
    const changes = resource(identifier).diff(state);
    if (changes.length === 0) return [];
    const lines = resource(identifier).apply(changes, state).text.split('\n');
    return lines.flatMap((line) => /(?:put|remove) [^)]*/u.exec(line)?.[0].trim() ?? (line.startsWith('echo') ? line : []));
  };

  it('takes what is noted of the former leader away, and leaves the configuration and the timelines', () => {
    expect(carriedOut('7', FULL)).toEqual(['status', 'failover', 'sync', 'failsafe', 'members/pg1'].map((key) => `remove ${key} ${key}@1`));
  });

  it('gives the scope of another database its identifier last, and forgets its timelines', () => {
    expect(carriedOut('9', FULL).slice(-3)).toEqual([
      'remove failsafe failsafe@1',
      'remove members/pg1 members/pg1@1',
      'put initialize 9 initialize@1',
    ]);
    expect(carriedOut('9', FULL)).toContain('remove history history@1');
    expect(carriedOut('9', { config: '{}' })).toEqual(['put initialize 9 absent']);
  });

  it('changes nothing while somebody leads, and nothing where all is well', () => {
    expect(carriedOut('7', { ...FULL, leader: 'pg1' })[0]).toContain('somebody still holds /service/demo/leader');
    expect(carriedOut('7', { config: '{}', initialize: '7', history: '[]' })).toEqual([]);
  });

  it('knows which keys speak of a database', () => {
    expect(['status', 'optime/leader', 'members/pg1', 'history'].map((key) => isFormer(key, true))).toEqual([true, true, true, false]);
    expect(['history', 'config', 'initialize', 'leader'].map((key) => isFormer(key, false))).toEqual([true, false, false, false]);
  });
});
