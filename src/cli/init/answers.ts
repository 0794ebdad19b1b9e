import { userInfo } from 'node:os';
import { InputError } from '../../lib/errors.js';
import { DEFAULT_DCS } from '../../model/default-dcs.js';
import { canAsk } from '../pipeline/confirm.js';
import { STANDALONE_ROLES, USUAL_VERSION, type Draft, type DraftHost } from './draft.js';
import { Questions } from './questions.js';

/** What the command line may say of a first inventory. */
export interface DraftOptions {
  cluster?: string;
  host?: string[];
  user?: string;
  port?: number;
  identityFile?: string;
  jump?: string;
  postgresql?: number;
  standalone?: boolean;
  clients?: string[];
  yes?: boolean;
}

const CLUSTER = /^[a-z0-9][a-z0-9_-]{0,62}$/u;

/**
 * The draft of a first inventory: from the command line, and what it does not say from questions, where there is somebody to ask.
 * @throws InputError when hosts are missing, and there is nobody to ask
 */
export async function draftFrom(options: DraftOptions): Promise<Draft> {
  if (options.yes === true || !canAsk()) return draft(options);
  const questions = new Questions();
  try {
    return draft(await askForMissing(options, questions));
  } finally {
    questions.close();
  }
}

async function askForMissing(options: DraftOptions, questions: Questions): Promise<DraftOptions> {
  process.stdout.write('A few questions; Enter takes what is in brackets, and everything can be changed in the file later.\n\n');
  const cluster =
    options.cluster ??
    (await questions.ask({
      text: 'Name of the cluster',
      usual: 'demo',
      problem: (answer) => (CLUSTER.test(answer) ? undefined : 'lower-case letters, digits, - and _'),
    }));
  const host = options.host ?? (await askForHosts(questions));
  const user =
    options.user ?? (await questions.ask({ text: 'User to log in as (root, or one that may use sudo)', usual: userInfo().username }));
  const version = await askForVersion(options, questions);
  // Several servers are one cluster: without Patroni each would be a database of its own.
  const standalone =
    options.standalone ?? (host.length === 1 && !(await isYes(questions, `Highly available, with Patroni and ${DEFAULT_DCS}?`)));
  const clients = options.clients ?? (await askForClients(questions));
  process.stdout.write('\n');
  return { ...options, cluster, host, user, postgresql: version, standalone, clients };
}

async function askForHosts(questions: Questions): Promise<string[]> {
  process.stdout.write('The hosts, one a line as NAME=ADDRESS; an empty line ends the list.\n');
  const hosts: string[] = [];
  for (;;) {
    const answer = await questions.ask({
      text: `  host ${hosts.length + 1}`,
      problem: (text) =>
        text === '' && hosts.length === 0
          ? 'give at least one host; three for high availability'
          : text === ''
            ? undefined
            : hostProblem(text),
    });
    if (answer === '') return hosts;
    hosts.push(answer);
  }
}

async function askForVersion({ postgresql }: DraftOptions, questions: Questions): Promise<number> {
  if (postgresql !== undefined) return postgresql;
  return Number(
    await questions.ask({
      text: 'Major version of PostgreSQL',
      usual: String(USUAL_VERSION),
      problem: (answer) => (/^1[3-8]$/u.test(answer) ? undefined : '13 to 18'),
    }),
  );
}

async function askForClients(questions: Questions): Promise<string[]> {
  const answer = await questions.ask({
    text: 'Networks of your clients, e.g. 10.0.1.0/24 (Enter: none yet)',
    problem: (text) =>
      networks(text).every((network) => /^[0-9A-Fa-f:.]+\/[0-9]{1,3}$/u.test(network))
        ? undefined
        : 'networks such as 10.0.1.0/24, comma-separated',
  });
  return networks(answer);
}

function networks(text: string): string[] {
  return text.split(/[\s,]+/u).filter((network) => network !== '');
}

async function isYes(questions: Questions, text: string): Promise<boolean> {
  return /^y/iu.test(
    await questions.ask({ text, usual: 'y', problem: (answer) => (/^(?:y|yes|n|no)$/iu.test(answer) ? undefined : 'y or n') }),
  );
}

function draft(options: DraftOptions): Draft {
  const { cluster = 'demo', host, user, port, identityFile, jump, postgresql = USUAL_VERSION, standalone, clients = [] } = options;
  if (host === undefined) {
    throw new InputError({
      kind: 'init/no-hosts',
      message: 'no hosts are given, and there is no terminal to ask at',
      hint: 'say --host pg1=10.0.0.11 --host pg2=10.0.0.12 --host pg3=10.0.0.13, or --from-ansible FILE',
    });
  }
  const ssh = { user, port, identity_file: identityFile, jump };
  return {
    cluster,
    ...(standalone === true ? { roles: STANDALONE_ROLES } : {}),
    ssh: Object.fromEntries(Object.entries(ssh).filter(([, value]) => value !== undefined)),
    hosts: host.map(draftHost),
    groups: {},
    postgresql: { version: postgresql },
    clients,
  };
}

/** `pg1=10.0.0.11`; an address alone gets a name. */
function draftHost(written: string, index: number): DraftHost {
  const problem = hostProblem(written);
  if (problem !== undefined) throw new InputError({ kind: 'init/host', message: `--host ${written}: ${problem}` });
  const [first = '', address] = written.split('=');
  return address === undefined ? { name: `pg${index + 1}`, address: first } : { name: first, address };
}

function hostProblem(written: string): string | undefined {
  return /^(?:[A-Za-z0-9][A-Za-z0-9._-]*=)?[A-Za-z0-9_:][A-Za-z0-9_.:-]*$/u.test(written)
    ? undefined
    : 'must be NAME=ADDRESS, e.g. pg1=10.0.0.11';
}
