import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import { InputError } from '../../lib/errors.js';
import { DEFAULT_DCS, type Problem } from '../../model/index.js';
import { problemWords, unfit } from './check.js';
import { STANDALONE_ROLES, USUAL_VERSION, type Draft, type DraftHost } from './draft.js';
import type { Questions } from './questions.js';

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

/** Stands for the hosts until they are known. */
const PLACEHOLDER = ['pg1=192.0.2.1'];

/** What is wrong with a draft as an inventory. */
export type Check = (draft: Draft) => Promise<readonly Problem[]>;

/**
 * The draft of a first inventory: from the options, and what they do not say from questions, where there is somebody to ask. Each answer is checked
 * with those before it, and then put into the options.
 * @throws InputError when hosts are missing, and there is nobody to ask
 */
export async function draftFrom(options: DraftOptions, check: Check, questions: Questions | undefined): Promise<Draft> {
  if (questions !== undefined) await askForMissing(options, check, questions);
  return draft(options);
}

async function askForMissing(said: DraftOptions, check: Check, questions: Questions): Promise<void> {
  /** What is wrong with the options and one more of them; `path` is where the answer goes. */
  const problemWith = async (more: DraftOptions, path: string): Promise<Problem | undefined> => {
    const problems = await check(draft({ ...said, ...more, host: more.host ?? said.host ?? PLACEHOLDER }));
    return problems.find((each) => each.path.startsWith(path)) ?? problems[0];
  };
  const wrong = async (more: DraftOptions, path: string): Promise<string | undefined> => {
    const problem = await problemWith(more, path);
    return problem === undefined ? undefined : problemWords(problem);
  };
  const before = await check(draft({ ...said, host: said.host ?? PLACEHOLDER }));
  if (before.length > 0) throw unfit(before);
  questions.say('A few questions; Enter takes what is in brackets, and everything can be changed in the file later.\n\n');
  said.cluster ??= await questions.ask({
    text: 'Name of the cluster',
    usual: 'demo',
    problem: (cluster) => wrong({ cluster }, 'cluster'),
  });
  if (said.host === undefined) await askForHosts(said, questions, (host) => problemWith({ host }, 'hosts'));
  said.user ??= await questions.ask({
    text: 'User to log in as (root, or one that may use sudo)',
    usual: userInfo().username,
    problem: (user) => wrong({ user }, 'ssh'),
  });
  said.postgresql ??= Number(
    await questions.ask({
      text: 'Major version of PostgreSQL',
      usual: String(USUAL_VERSION),
      problem: (text) =>
        /^[0-9]+$/u.test(text) ? wrong({ postgresql: Number(text) }, 'postgresql.version') : 'a major version, such as 17',
    }),
  );
  // Several servers are one cluster: without Patroni each would be a database of its own.
  said.standalone ??= said.host?.length === 1 && !(await isYes(questions, `Highly available, with Patroni and ${DEFAULT_DCS}?`));
  said.clients ??= networks(
    await questions.ask({
      text: 'Networks of your clients, e.g. 10.0.1.0/24 (Enter: none yet)',
      problem: (text) => wrong({ clients: networks(text) }, 'firewall.client_networks'),
    }),
  );
  questions.say('\n');
}

/**
 * A line may hold several hosts. What is right is kept, also of a line of which something is wrong. A host that was right alone and is not beside
 * others, as `localhost`, is taken off the list again: no later answer could mend it.
 */
async function askForHosts(
  said: DraftOptions,
  questions: Questions,
  problemOf: (hosts: string[]) => Promise<Problem | undefined>,
): Promise<void> {
  questions.say('The hosts, one a line as NAME=ADDRESS; an empty line ends the list.\n');
  const hosts: string[] = [];
  for (;;) {
    const answer = await questions.ask({
      text: `  host ${hosts.length + 1}`,
      problem: (text) => (text === '' && hosts.length === 0 ? 'give at least one host; three for high availability' : undefined),
    });
    if (answer === '') return;
    for (const written of hostsIn(answer)) {
      const named = withName(written, hosts.length + 1, hosts.map(nameOf));
      let wrong = hostProblem(written, hosts);
      while (wrong === undefined) {
        const problem = await problemOf([...hosts, named]);
        if (problem === undefined) break;
        const at = hosts.findIndex((host) => problem.path.startsWith(`hosts.${nameOf(host)}.`));
        if (at < 0) wrong = problemWords(problem);
        else questions.note(`${hosts.splice(at, 1).join()}: ${problemWords(problem)}; it is off the list again`);
      }
      if (wrong === undefined) hosts.push(named);
      else questions.note(`${written}: ${wrong}`);
    }
    if (hosts.length > 0) said.host = hosts;
  }
}

/** The hosts of a line, also in the form of /etc/hosts. Words that could be meant in two ways stay together, which is no host. */
function hostsIn(answer: string): string[] {
  const words = answer
    .replace(/\s*=\s*/gu, '=')
    .split(/[\s,]+/u)
    .filter((word) => word !== '');
  const [first = '', second = ''] = words;
  if (words.every((word) => word.includes('=') || isIP(word) !== 0) || words.length === 1) return words;
  const isPair = words.length === 2 && !answer.includes('=') && (isIP(first) !== 0) !== (isIP(second) !== 0);
  return [isPair ? (isIP(first) === 0 ? `${first}=${second}` : `${second}=${first}`) : answer];
}

function networks(text: string): string[] {
  return text.split(/[\s,]+/u).filter((network) => network !== '');
}

async function isYes(questions: Questions, text: string): Promise<boolean> {
  return /^y/iu.test(
    await questions.ask({ text, usual: 'y', problem: (answer) => (/^(?:y|yes|n|no)$/iu.test(answer) ? undefined : 'y or n') }),
  );
}

/**
 * What the options make of an inventory.
 * @throws InputError when hosts are missing
 */
export function draft(options: DraftOptions): Draft {
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
    hosts: draftHosts(host),
    groups: {},
    postgresql: { version: postgresql },
    clients,
  };
}

function draftHosts(written: readonly string[]): DraftHost[] {
  const explicit = written.filter((text) => text.includes('=')).map(nameOf);
  const named: string[] = [];
  for (const text of written) {
    const problem = hostProblem(text, named);
    if (problem !== undefined) throw new InputError({ kind: 'init/host', message: `--host ${text}: ${problem}` });
    named.push(withName(text, named.length + 1, [...named.map(nameOf), ...explicit]));
  }
  return named.map((text) => ({ name: nameOf(text), address: text.slice(text.indexOf('=') + 1) }));
}

function nameOf(host: string): string {
  return host.split('=')[0] ?? '';
}

/** `pg1=10.0.0.11`; an address alone gets the name of its place in the list, or the next one that is free. */
function withName(written: string, place: number, taken: readonly string[]): string {
  if (written.includes('=')) return written;
  let number = place;
  while (taken.includes(`pg${number}`)) number += 1;
  return `pg${number}=${written}`;
}

function hostProblem(written: string, before: readonly string[]): string | undefined {
  if (!/^(?:[A-Za-z0-9][A-Za-z0-9._-]*=)?[A-Za-z0-9_:][A-Za-z0-9_.:-]*$/u.test(written)) return 'must be NAME=ADDRESS, e.g. pg1=10.0.0.11';
  const isThere = written.includes('=') && before.map(nameOf).includes(nameOf(written));
  return isThere ? `there is a host ${nameOf(written)} already` : undefined;
}
