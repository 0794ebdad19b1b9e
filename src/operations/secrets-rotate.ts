import {
  defineOperation,
  enumerate,
  makePassword,
  PASSWORD_LOGIN,
  Secret,
  pgprov,
  type ConvergeStep,
  type DeskStep,
  type Host,
  type HostStep,
  type OperationObjection,
  type OperationRun,
  type OperationStart,
  type OperationStep,
  type PasswordLogin,
} from '../index.js';
import { poolerPasswordObjections, poolerPasswordStep } from './shared/pooler-password.js';
import { isStreaming } from './shared/streaming/procedure.js';
import { POOLER_PASSWORD } from '../../roles/shared/pgbouncer/password.js';
import { keptWhere, passwordsOf, type PasswordPlace, type RolePassword } from './shared/password-kept.js';

interface RotateOptions {
  /** The password's name, `replication`, or its path, `replication.password`. */
  name: string;
}

type Start = OperationStart<RotateOptions>;
type Run = OperationRun<RotateOptions>;

/** A password, the hosts that know it, and where it is kept. */
interface Rotating {
  account: RolePassword;
  hosts: readonly Host[];
  kept: PasswordPlace;
}

export default defineOperation<RotateOptions>({
  name: 'secrets rotate',
  description: 'give the running cluster a new password, on all members at once and without a restart; resumes an interrupted change',
  options: {},
  argument: { name: 'name', description: 'replication, superuser, rewind, restapi or pgbouncer' },
  roles: knowing,
  streaming: true,
  keptInStore: true,
  problems: (start) => {
    const rotating = rotatingOf(start);
    return 'kind' in rotating ? [rotating] : begunOtherwise(start, rotating);
  },
  goesOn: (start) => (start.kept.rotation === undefined ? undefined : `resuming the change of ${start.kept.rotation.path} that was begun`),
  guards: (run) => [...withoutCluster(run), ...poolsInTheWay(run), ...notProved(run)],
  remaining: (run) => ({ steps: stepsOf(run) }),
  question: (run) =>
    `Change the ${sure(run).account.name} password of ${run.inventory.cluster} on ${sure(run)
      .hosts.map(({ name }) => name)
      .join(', ')}?`,
  finished: (run) => {
    const {
      account: { name },
      hosts,
    } = sure(run);
    const where = enumerate(hosts.map((host) => host.name));
    const proof = name === POOLER_PASSWORD.name ? 'new logins there and past it to the leader' : 'new logins between all members';
    return `${name}: the new password is in force on ${where}, as ${proof} prove; the former one is refused`;
  },
  broken: async (run, { touched, desk }) => {
    const {
      account: { name, path },
    } = sure(run);
    if (touched || !run.done.has('begin')) {
      return `the change of ${path} is not finished, and both passwords are kept; run ${pgprov`secrets rotate ${name} ${run.inventory}`} again, it continues from here`;
    }
    await desk.store.dropRotation();
    return `the ${name} password was not changed`;
  },
});

/** The roles that know passwords, and that any host has; for that of PgBouncer also the one that makes its role, else not those of PgBouncer. */
function knowing({ catalog, inventory, options }: Pick<Start, 'catalog' | 'inventory' | 'options'>): string[] {
  const isHad = (role: string): boolean => inventory.hosts.some(({ roles }) => roles.includes(role));
  if (isPoolers(options)) return ['postgresql', 'patroni', 'pgbouncer'].filter(isHad);
  return catalog.filter(({ name, passwords }) => passwords !== undefined && name !== 'pgbouncer' && isHad(name)).map(({ name }) => name);
}

function isPoolers({ name }: RotateOptions): boolean {
  return [POOLER_PASSWORD.name, POOLER_PASSWORD.path].includes(name);
}

/** What is changed, or why that cannot be. */
function rotatingOf({ catalog, inventory, options: { name } }: Start): Rotating | OperationObjection {
  const all = passwordsOf({ catalog });
  const account = all.find((candidate) => candidate.name === name || candidate.path === name);
  if (account === undefined) {
    return {
      kind: 'input',
      error: 'secrets/unknown-account',
      message: `${name} is no password of the cluster`,
      hint: `there are ${all.map((each) => `${each.name} (${each.path})`).join(', ')}; the command \`secrets set\` changes other values of a store`,
    };
  }
  const hosts = inventory.hosts.filter(({ roles }) => roles.includes(account.role));
  if (hosts.length === 0) {
    return {
      kind: 'input',
      error: 'secrets/no-member',
      message: `no host of ${inventory.cluster} has the role ${account.role}, so there is no ${account.name} password`,
      hint: 'give the hosts that role, or change another password',
    };
  }
  const kept = keptWhere(account.path, hosts, inventory);
  return 'kind' in kept ? kept : { account, hosts, kept };
}

/** The same where nothing spoke against it. */
function sure(start: Start): Rotating {
  const rotating = rotatingOf(start);
  if ('kind' in rotating) throw new RangeError(rotating.message);
  return rotating;
}

/** The change of another password, or of this one towards a value that the inventory no longer gives. */
function begunOtherwise({ inventory, kept: { rotation } }: Start, { account, kept: { given } }: Rotating): OperationObjection[] {
  if (rotation === undefined) return [];
  const { file, dir, cluster } = inventory;
  if (rotation.path !== account.path) {
    return [
      {
        kind: 'input',
        error: 'secrets/other-rotation',
        message: `a change of ${rotation.path} is not finished`,
        hint: `finish it first: ${pgprov`secrets rotate ${rotation.path} ${file}`}`,
      },
    ];
  }
  const now = given?.reveal();
  if (now === undefined || now === rotation.from.reveal() || now === rotation.to.reveal()) return [];
  return [
    {
      kind: 'input',
      error: 'secrets/changed',
      message: `a change of ${account.path} is not finished, and the inventory now gives a third value`,
      hint: `run ${pgprov`apply ${file}`}, which puts the inventory’s value in force, then remove ${dir}/.pgprov/${cluster}/password-rotation.yml`,
    },
  ];
}

function withoutCluster({ inventory, holdsData }: Run): OperationObjection[] {
  if (holdsData) return [];
  const message = `${inventory.cluster} has no database yet, so there is nothing to change`;
  return [{ kind: 'input', error: 'secrets/no-cluster', message, hint: `${pgprov`apply ${inventory}`} makes it` }];
}

/** Before PgBouncer’s password is changed: all of them must take part. */
function poolsInTheWay(run: Run): OperationObjection[] {
  const { options, inventory, done, holdsData } = run;
  if (!isPoolers(options) || !holdsData || done.has('change')) return [];
  return poolerPasswordObjections(run, pgprov`secrets rotate ${POOLER_PASSWORD.name} ${inventory}`);
}

function stepsOf(run: Run): OperationStep[] {
  const {
    kept: { rotation },
    done,
  } = run;
  if (done.has('finish')) return [];
  const { account, hosts, kept } = sure(run);
  const begin: DeskStep = {
    id: 'begin',
    title: `make a new ${account.name} password, and keep both until it is proved`,
    atDesk: ({ store }) =>
      store.beginRotation({ path: account.path, from: store.password(account.path, kept.given).reveal(), to: makePassword() }),
  };
  const change: ConvergeStep = {
    id: 'change',
    title: `set the new ${account.name} password on all members at once`,
    effect: `a login that falls between the ${isStreaming(run.inventory) ? 'primary' : 'leader'}’s change and a member’s new file fails`,
    converge: { roles: knowing(run) },
  };
  const prove: HostStep = {
    id: 'prove',
    title: isPoolers(run.options)
      ? 'log in to PgBouncer and past it with the new password, and with the former one'
      : 'log in between all members with the new password, and with the former one',
    on: hosts.map(({ name }) => name),
    asks: (context) => (rotation === undefined ? [] : [account.logins(context, { password: rotation.to, former: rotation.from })]),
  };
  const finish: DeskStep = {
    id: 'finish',
    title: 'put the new password where the old one was kept',
    atDesk: async ({ store, put }) => {
      if (kept.store !== undefined && store.rotation !== undefined) await put(kept.store, new Secret(store.rotation.to));
      await store.endRotation();
    },
  };
  const settle: ConvergeStep = {
    id: 'settle',
    title: 'look whether anything else has the former password',
    converge: { roles: knowing(run) },
  };
  const changing: OperationStep[] = isPoolers(run.options) ? [poolerPasswordStep(run), settle] : [change];
  return [...(rotation === undefined ? [begin] : []), ...[...changing, prove].filter(({ id }) => !done.has(id)), finish];
}

/** What speaks against forgetting the former password, once every member has tried both. */
function notProved(run: Run): OperationObjection[] {
  const { view, done } = run;
  if (!done.has('prove') || done.has('finish')) return [];
  const { account, hosts } = sure(run);
  const missing = hosts.flatMap(({ name }) => missingOn(name, view.read(name, PASSWORD_LOGIN) ?? []));
  if (missing.length === 0) return [];
  return [
    {
      kind: 'preflight',
      error: 'secrets/not-proved',
      message: `the ${account.name} password was changed, but not proved:\n  ${missing.join('\n  ')}`,
      hint: `both passwords are kept; fix that and run ${pgprov`secrets rotate ${account.name} ${run.inventory}`} again`,
    },
  ];
}

function missingOn(name: string, logins: readonly PasswordLogin[]): string[] {
  if (logins.length === 0) return [`${name} could not try it`];
  const failed = logins.filter(({ password, outcome }) => outcome !== (password === 'new' ? 'accepted' : 'refused'));
  return failed.map(({ password, to, outcome, words }) =>
    outcome === 'accepted'
      ? `from ${name}, ${to} still takes the former password`
      : `from ${name}, login to ${to} with the ${password} password: ${words}`,
  );
}
