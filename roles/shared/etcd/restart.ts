import {
  allHealthyCheck,
  answerText,
  handle,
  leadsEtcd,
  printAnswer,
  statusQuestion,
  type Observation,
  type RoleContext,
} from '../../../src/index.js';
import type { Dcs } from '../dcs.js';
import { tlsFiles } from '../layout.js';
import { etcdClient } from './client.js';
import { allHealthyGate, quorumGate } from './health.js';

const LEADS = handle<boolean>('etcd-leads');

/** Whether the host's member leads etcd, by its own word. */
function leads(context: RoleContext): Observation<boolean> {
  const client = etcdClient(context, tlsFiles(context.platform.etcd));
  const status = statusQuestion(client);
  return {
    ...LEADS,
    sharedQuestions: [status],
    probe: () => printAnswer(status),
    parse: (answer) => leadsEtcd(answerText(answer), client),
  };
}

/** How members of etcd are restarted one after the other. */
export const ETCD_RESTART: Dcs['restart'] = {
  observations: (context) => [leads(context)],
  leads: (view, host) => view.read(host, LEADS) === true,
  unless: (context) => allHealthyCheck(etcdClient(context, tlsFiles(context.platform.etcd))),
  gates: (context) => [quorumGate(context), allHealthyGate(context)],
};
