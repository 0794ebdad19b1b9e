import {
  ACCOUNT_PASSWORDS,
  accountPasswords,
  defineDiagnosis,
  localServer,
  pgprov,
  REPLICATION_LOGIN,
  topologyOf,
  type Evidence,
  type Examination,
  type Finding,
  type RoleContext,
} from '../../index.js';
import { accountsOf } from '../../../roles/shared/layout.js';
import { variables } from '../../../roles/shared/variables.js';
import { leaderOf } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS } from '../shared/lines.js';
import { membersOf } from '../shared/members.js';

/** Milliseconds for which a refusal is evidence. */
const RECENT = 30 * 60_000;

/** A role that members log in with, what pgprov calls it, and what stops without it. */
interface Account {
  name: string;
  called: string;
  follows: string;
}

/** A password of the cluster's own accounts was changed by hand, or is not what members log in with. */
export default defineDiagnosis({
  name: 'accounts',
  looksAt: 'the passwords that members log in with',
  role: 'patroni',
  asks: (context) => [accountPasswords(localServer(context.host, context.platform), wanted(context))],
  find: (examination): Finding[] => {
    const leader = leaderOf(examination);
    const states = leader === undefined ? undefined : examination.view.read(leader, ACCOUNT_PASSWORDS);
    if (leader === undefined || states === undefined) return [];
    const wrong = accountsIn(examination).flatMap((account) => {
      const state = states.find(({ name }) => name === account.name);
      const why = state === undefined ? 'does not exist' : trouble(state);
      return why === undefined ? [] : [{ account, why }];
    });
    return [
      ...wrong.map(
        ({ account, why }): Finding => ({
          level: 'danger',
          what: `the role ${account.name} (${account.called}) ${why}`,
          evidence: [{ host: leader, source: 'pg_authid', line: `${account.name}: ${why}` }, ...refusals(examination, account.name)],
          follows: account.follows,
          mend: `${pgprov`apply ${examination.view.inventory}`} gives it what the cluster was made with, on all members`,
          explains: ['member-down'],
        }),
      ),
      ...(wrong.length > 0 ? [] : loginsRefused(examination)),
    ];
  },
});

function wanted(context: RoleContext): Parameters<typeof accountPasswords>[1] {
  if (topologyOf(context.host) !== 'patroni') return [];
  const { superuser, replication, rewind } = accountsOf(context);
  const paths = { superuser: 'postgresql.superuser_password', replication: 'replication.password', rewind: 'patroni.rewind_password' };
  return Object.entries({ superuser, replication, rewind }).map(([called, { name, password }]) => {
    const former = context.credentials.former(paths[called as keyof typeof paths]);
    return { name, passwords: former === undefined ? [password] : [password, former] };
  });
}

function accountsIn({ view }: Examination): Account[] {
  const [host] = view.hosts('patroni');
  if (host === undefined) return [];
  return [
    {
      name: variables(host, 'postgresql').superuser,
      called: 'superuser',
      follows: 'Patroni on a member that starts anew cannot log in to its own server over the network',
    },
    {
      name: variables(host, 'replication').username,
      called: 'replication',
      follows: 'no standby can connect anew, nor be copied: the next restart of one, or change of leader, leaves it behind',
    },
    {
      name: variables(host, 'patroni').rewind_username,
      called: 'rewind',
      follows: 'a former leader cannot be rewound, and does not come back after a failover',
    },
  ];
}

function trouble({ password, login, expired }: { password: string; login: boolean; expired: boolean }): string | undefined {
  if (!login) return 'may not log in (NOLOGIN)';
  if (expired) return 'has a password that is past its VALID UNTIL';
  return password === 'other' ? 'has another password than the one that members log in with, in patroni.yml and .pgpass' : undefined;
}

function refusals(examination: Examination, name: string): Evidence[] {
  return membersOf(examination)
    .flatMap((host) =>
      linesSince(examination, host, {
        units: POSTGRESQL_LOGS,
        pattern: new RegExp(`password authentication failed for user "${name.replace(/[^\w]/gu, String.raw`\$&`)}"`, 'u'),
        within: RECENT,
      }),
    )
    .slice(-1)
    .map(asEvidence);
}

/** The password in the database is the one that was made, and a member's file has another. */
function loginsRefused(examination: Examination): Finding[] {
  const { view } = examination;
  return membersOf(examination).flatMap((host): Finding[] => {
    const refused = (view.read(host, REPLICATION_LOGIN) ?? []).filter(
      ({ error }) => error?.includes('password authentication failed') === true,
    );
    if (refused.length === 0) return [];
    return [
      {
        level: 'danger',
        host,
        what: 'its .pgpass has another password for the replication role than the database',
        evidence: refused.map(({ address, error }) => ({ host, source: `login to ${address}`, line: error ?? '' })),
        follows: 'it cannot stream from these servers once it has to connect anew, nor be copied from them',
        mend: `${pgprov`apply ${view.inventory} --host ${host}`} writes the file as it must be`,
        explains: ['member-down'],
      },
    ];
  });
}
