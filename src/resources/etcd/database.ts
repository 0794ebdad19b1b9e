import { databaseQuestion, type EtcdClient, findDatabase } from './client.js';
import { handle } from '../handle.js';
import { answerText, onlyThoroughly, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';

/** What a member says of itself and of its database. */
export interface EtcdDatabase {
  version: string;
  /** As etcd's JSON has it: decimal. */
  id: string;
  /** It leads the others. */
  leader: boolean;
  /** Bytes of the file. */
  bytes: number;
  /** Bytes of it that hold something; etcd tells since 3.4. */
  usedBytes?: number;
  /** Bytes from which on it refuses writes; etcd tells since 3.6. */
  quotaBytes?: number;
  /** Alarms of all members: which one, by its id, and `NOSPACE` or `CORRUPT`. */
  alarms: readonly { member: string; alarm: string }[];
}

/** The observation's id; undefined where it was not asked, or the member does not answer. */
export const ETCD_DATABASE = handle<EtcdDatabase | undefined>('etcd-database');

/** The host's own member: version, leader, size of the database, alarms; asked only where nothing may be left out. It takes no quorum. */
export function etcdDatabase(client: EtcdClient): Observation<EtcdDatabase | undefined> {
  const question = databaseQuestion(client);
  return onlyThoroughly({
    ...ETCD_DATABASE,
    when: 'startAndEnd',
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => readDatabase(findDatabase(answerText(answer), client)),
  });
}

/** etcd's JSON has 64-bit numbers as text, and leaves out what is 0. */
interface Status {
  header?: { member_id?: string };
  version?: string;
  dbSize?: string;
  dbSizeInUse?: string;
  dbSizeQuota?: string;
  leader?: string;
  errors?: string[];
}

function readDatabase(json: string): EtcdDatabase | undefined {
  if (json === '') return undefined;
  const { header = {}, version = '', dbSize, dbSizeInUse, dbSizeQuota, leader, errors = [] } = JSON.parse(json) as Status;
  const id = header.member_id ?? '';
  return {
    version,
    id,
    leader: id !== '' && id === leader,
    bytes: Number(dbSize ?? 0),
    ...(dbSizeInUse === undefined ? {} : { usedBytes: Number(dbSizeInUse) }),
    ...(dbSizeQuota === undefined ? {} : { quotaBytes: Number(dbSizeQuota) }),
    alarms: errors.flatMap((error) => {
      const { member, alarm } = /memberID:(?<member>\d+).*alarm:(?<alarm>[A-Z]+)/u.exec(error)?.groups ?? {};
      return member === undefined || alarm === undefined ? [] : [{ member, alarm }];
    }),
  };
}
