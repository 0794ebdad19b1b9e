import { describe, expect, it } from 'vitest';
import { interruptedText, leftText } from '../../src/report/interruption-text.js';

const TITLES: Record<string, string> = { 'a/install': 'install PostgreSQL 17', 'b/start': 'start etcd' };
const nameOf = (id: string): string => TITLES[id] ?? id;
const step = (host: string, stage: string): { host: string; stage: string } => ({ host, stage });

describe('what is said of an interruption', () => {
  it.each([
    [
      { how: 'interrupted', underWay: [step('pg1', 'a/install'), step('pg2', 'a/install'), step('pg3', 'b/start')] },
      'interrupted: finishing install PostgreSQL 17 on pg1, pg2 and start etcd on pg3; nothing new is begun; Ctrl-C again leaves at once',
    ],
    [
      { how: 'interrupted', underWay: [{ host: 'pg1' }] },
      'interrupted: finishing the look at pg1; nothing new is begun; Ctrl-C again leaves at once',
    ],
    [{ how: 'the terminal was closed', underWay: [] }, 'the terminal was closed: nothing has to be finished; nothing new is begun'],
  ])('%#', (event, text) => expect(interruptedText(event, nameOf)).toBe(text));

  it.each([
    [
      { underWay: [step('pg1', 'a/install')], again: 'pgprov apply i.yml --resume' },
      'left at once: still at work: install PostgreSQL 17 on pg1; `pgprov apply i.yml --resume` waits for pg1 and continues',
    ],
    [{ underWay: [{ host: 'pg1' }], again: 'pgprov x' }, 'left at once: no step is under way on any host; `pgprov x` continues'],
    [{ underWay: [{ host: 'pg1' }] }, 'left at once: no step is under way on any host'],
  ])('who leaves is told what goes on %#', (event, text) => expect(leftText(event, nameOf)).toBe(text));
});
