import { describe, expect, it } from 'vitest';
import { sqlQuestion, type LocalServer } from '../../src/resources/psql.js';
import { walWritten } from '../../src/resources/wal-written.js';

const SERVER: LocalServer = {
  binDirectory: '/usr/lib/postgresql/17/bin',
  socketDirectory: '/var/run/postgresql',
  port: 5432,
  user: 'postgres',
  home: '/var/lib/postgresql',
};

const { sharedQuestions = [], parse } = walWritten(SERVER);
const [query = ''] = sharedQuestions.flatMap(({ subjects }) => subjects);
const mark = /@pgprov-\S+/u.exec(sqlQuestion(SERVER, query).ask([query]).text)?.[0] ?? '';

describe('how far a server has come', () => {
  it.each([
    ['0/3000028|740:744:741,743', { location: '0/3000028', nextTransaction: 744, runningTransactions: [741, 743] }],
    ['A/0|4294967300:4294967300:', { location: 'A/0', nextTransaction: 4_294_967_300, runningTransactions: [] }],
    ['', undefined],
  ])('is read from %s', (row, state) => {
    expect(parse({ status: 0, out: Buffer.from(`${mark}\n${row}\n`) })).toEqual(state);
  });

  it('is not known of a server that is down', () => {
    expect(parse({ status: 0, out: Buffer.from('') })).toBeUndefined();
  });
});
