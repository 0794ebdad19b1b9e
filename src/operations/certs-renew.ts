import {
  certificatePlaces,
  daysLeft,
  defineOperation,
  enumerate,
  loadedHandle,
  readCertificate,
  pgprov,
  type ConvergeStep,
  type KeptFacts,
  type OperationObjection,
  type OperationRun,
  type OperationStart,
  type OperationStep,
  type PlannedChange,
  type Renewal,
  type RotationPhase,
} from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { untilUp } from './shared/passing.js';
import { healthOf, type Health } from './shared/certificate-health.js';

interface RenewOptions {
  /** Days. */
  within: number;
  /** Those as well that are good for longer. */
  all?: boolean;
  /** Rotate the authority. */
  ca?: boolean;
}

type Run = OperationRun<RenewOptions>;

/** The phases of a rotation in order, and what they do, for people. */
const PHASES: readonly { phase: RotationPhase; title: string; what: string }[] = [
  { phase: 'trust', title: 'have the hosts trust a new authority', what: 'the hosts learn to trust the new authority beside the old one' },
  { phase: 'issue', title: 'give every host a certificate of it', what: 'every host gets a certificate of the new authority' },
  { phase: 'drop', title: 'have the hosts forget the old authority', what: 'the hosts forget the old authority' },
];

export default defineOperation<RenewOptions>({
  name: 'certs renew',
  description:
    'new certificates for hosts whose certificates expire, name other addresses or are of another authority; one member at a time, each proved',
  options: {
    within: { type: 'integer', value: 'days', minimum: 0, default: 30, description: 'renew what expires within so many days' },
    all: { type: 'boolean', description: 'also renew certificates that are valid for longer' },
    ca: { type: 'boolean', description: 'rotate the certificate authority, in three phases; resumes an interrupted rotation' },
  },
  choosesHosts: true,
  roles: rolesWithCertificates,
  streaming: true,
  // Which changes may wait to be applied is a question of its own, see the guards.
  requiresConverged: false,
  inspects: true,
  // A member that a run which was killed has just restarted is given the time to come up.
  patience: 6,
  keptInStore: true,
  problems,
  guards,
  remaining: (run) => ({ steps: run.options.ca === true ? rotation(run) : renewal(run) }),
  question: ({ inventory: { cluster } }) => `${cluster} holds data. Renew its certificates?`,
  nothing: (run) =>
    `No certificate has to be renewed: all that pgprov makes are of the cluster’s authority and last for more than ${run.options.within} days.${leftAlone(run, ' ')}`,
  finished: (run) => {
    const done = run.options.ca === true ? 'the cluster has a new certificate authority; nothing trusts the old one any more' : '';
    const left = leftAlone(run, done === '' ? '' : '. ');
    return done === '' && left === '' ? undefined : `${done}${left}`;
  },
});

/** What is not renewed, because the inventory gives it: a sentence, or nothing. */
function leftAlone({ catalog, inventory, chosenHosts }: Pick<Run, 'catalog' | 'inventory' | 'chosenHosts'>, before: string): string {
  const given = certificatePlaces(catalog, inventory).filter(
    ({ host, tls }) => tls.given !== undefined && chosenHosts?.includes(host.name) !== false,
  );
  if (given.length === 0) return '';
  const which = given.map(({ host, role }) => `${role} on ${host.name}`);
  return `${before}The inventory gives the certificate${given.length === 1 ? '' : 's'} of ${enumerate(which)}, which pgprov does not renew; ${pgprov`certs status ${inventory}`} shows when ${given.length === 1 ? 'it ends' : 'they end'}.`;
}

/** The roles of the cluster whose services have certificates. */
function rolesWithCertificates({ catalog, inventory }: Pick<Run, 'catalog' | 'inventory'>): string[] {
  return [...new Set(certificatePlaces(catalog, inventory).map(({ role }) => role))];
}

function problems(start: OperationStart<RenewOptions>): OperationObjection[] {
  const { catalog, inventory, options, kept, chosenHosts } = start;
  const { all, ca } = options;
  const { cluster } = inventory;
  const places = certificatePlaces(catalog, inventory);
  if (places.length > 0 && places.every(({ tls }) => tls.given !== undefined)) {
    return [
      {
        kind: 'input',
        error: 'certs/given',
        message: `there is nothing to renew: ${leftAlone({ catalog, inventory, chosenHosts: undefined }, '')}`,
        hint: `give others in the inventory, and run ${pgprov`apply ${inventory}`}`,
      },
    ];
  }
  if (kept.authority.certificate === undefined) {
    return [
      {
        kind: 'input',
        error: 'certs/none',
        message: `there are no certificates of ${cluster} beside this inventory`,
        hint: `${pgprov`apply ${inventory}`} makes them; if the cluster was made from elsewhere, bring .pgprov/${cluster}/ from there`,
      },
    ];
  }
  if (ca === true) {
    const given = all === true ? '--all does' : chosenHosts === undefined ? undefined : '--host and --group do';
    if (given === undefined) return [];
    const message = `--ca gives every host a new certificate, and ${given} not go with it`;
    return [{ kind: 'input', error: 'certs/whole-cluster', message, hint: 'leave it out' }];
  }
  if (!hasExpired(kept)) return [];
  return [
    {
      kind: 'preflight',
      error: 'certs/ca-expired',
      message: `the certificate authority of ${cluster} has expired, so none of its certificates is valid`,
      hint: `run ${pgprov`certs renew ${inventory} --ca`}, which makes a new one and brings the cluster back`,
    },
  ];
}

/** What is to be changed must be certificates alone, and every member must work, but for what new certificates cure. */
function guards(run: Run): OperationObjection[] {
  const { planned, chosenHosts } = run;
  if (planned === undefined || PROVABLE.some((id) => isToBeProved(run, id))) return [];
  const others = othersThanCertificates(run, planned);
  if (others.length > 0) return [otherChanges(run, others)];
  const fitness = healthOf(run);
  if (isRecovery(run, fitness)) {
    if (chosenHosts === undefined) return [];
    return [
      {
        kind: 'input',
        error: 'certs/whole-cluster',
        message: `certificates have expired, so ${dcsOf(run.inventory).name} has no quorum: it comes back only when all hosts have new ones`,
        hint: 'run it again without --host and --group',
      },
    ];
  }
  // A member whose own certificate has expired may ail, because it is cured; any other trouble comes first.
  const ailing = fitness.unhealthy.filter(({ host }) => !fitness.expired.includes(host));
  if (ailing.length === 0) return [];
  return untilUp(
    run.view,
    ailing.map(({ host }) => host),
    [
      {
        kind: 'preflight',
        error: 'certs/unhealthy',
        message: `not every member works, and a certificate is changed only where all others do:${ailing.map(({ host, what }) => `\n  ${host}: ${what}`).join('')}`,
        hint: `nothing was changed; see ${pgprov`status ${run.inventory}`}, fix what is wrong, then run it again`,
        settles: true,
      },
    ],
  );
}

/**
 * A restart of a service takes all of its configuration, so nothing else may be waiting to be applied; nor on other hosts than those that
 * are meant.
 */
function othersThanCertificates({ catalog, inventory, view, chosenHosts }: Run, planned: readonly PlannedChange[]): PlannedChange[] {
  const own = new Set(
    certificatePlaces(catalog, inventory).flatMap(({ host: { name }, tls }) => {
      const platform = view.platform(name);
      if (platform === undefined || chosenHosts?.includes(name) === false) return [];
      const { ca, certificate, key, unit } = tls.copies(platform);
      const renewed = [...(tls.authorities === undefined ? [ca] : []), ...(tls.given === undefined ? [certificate, key] : [])];
      const brought = [...renewed.map((path) => `file:${path}`), `service:${unit}`, loadedHandle(certificate).id];
      return brought.map((resource) => `${name} ${resource}`);
    }),
  );
  return planned.filter(({ host, resource }) => !own.has(`${host} ${resource}`));
}

function otherChanges({ inventory, chosenHosts: hosts }: Run, others: readonly PlannedChange[]): OperationObjection {
  const shown = others
    .slice(0, 5)
    .map(({ host, summary }) => `\n  ${host}: ${summary}`)
    .join('');
  const meant = hosts === undefined ? 'certificates' : `the certificates of ${hosts.join(', ')}`;
  return {
    kind: 'preflight',
    error: 'certs/other-changes',
    message: `there is more to be changed than ${meant}:${shown}${others.length > 5 ? `\n  and ${others.length - 5} more` : ''}`,
    hint: `nothing was changed; bring the hosts to what the inventory says with ${pgprov`apply ${inventory}`} first`,
  };
}

function renewal(run: Run): OperationStep[] {
  const {
    options: { within, all },
    chosenHosts,
  } = run;
  const wanted: Renewal = {
    withinDays: within,
    ...(all === true ? { all: true } : {}),
    ...(chosenHosts === undefined ? {} : { hosts: chosenHosts }),
  };
  return bring(run, { id: 'renew', title: 'renew certificates', converge: { roles: rolesWithCertificates(run), renewal: wanted } });
}

/** Begins a rotation, or continues the one that is under way, phase by phase. */
function rotation(run: Run): OperationStep[] {
  const { inventory, kept, done } = run;
  if (done.has('finish')) return [];
  const finish: OperationStep = {
    id: 'finish',
    title: 'note that nothing trusts the old authority any more',
    atDesk: ({ store }) => store.certificates.finishRotation(),
  };
  if (hasExpired(kept) || done.has(atOnce('replace'))) {
    const replace: ConvergeStep = {
      id: 'replace',
      title: 'give all hosts certificates of a new authority',
      tells: 'the certificate authority has expired: bringing a new one to all hosts at once, then checking everything',
      converge: { roles: rolesWithCertificates(run), renewal: { rotation: 'replace' } },
    };
    return [...bring(run, replace), finish];
  }
  const begun = PHASES.findIndex(({ phase }) => phase === kept.authority.phase);
  const steps = PHASES.map(
    ({ phase, title, what }, index): ConvergeStep => ({
      id: phase,
      title,
      tells: `phase ${index + 1} of ${PHASES.length}: ${what}`,
      ...(phase === 'issue' || !inventory.hosts.some(({ roles }) => roles.includes(dcsOf(inventory).role))
        ? {}
        : { effect: `${dcsOf(inventory).name} restarts, one member after the other` }),
      converge: { roles: rolesWithCertificates(run), renewal: index === begun ? {} : { rotation: phase } },
    }),
  );
  const [next, ...later] = steps.filter(({ id }, index) => index >= begun && !done.has(id));
  return [...(next === undefined ? [] : bring(run, next)), ...later, finish];
}

/** A step; where certificates that have expired have cost the store its quorum, all hosts get theirs at once before, and it proves them. */
function bring(run: Run, step: ConvergeStep): OperationStep[] {
  if (run.done.has(step.id)) return [];
  const proof: ConvergeStep = {
    id: step.id,
    title: 'prove that every member works with them',
    converge: { roles: rolesWithCertificates(run), renewal: {}, proves: true },
  };
  if (isToBeProved(run, step.id)) return [proof];
  if (!isRecovery(run, healthOf(run))) return [step];
  const together: ConvergeStep = {
    ...step,
    id: atOnce(step.id),
    title: `${step.title}, all at once`,
    tells: hasExpired(run.kept) ? (step.tells ?? step.title) : noQuorum(run),
    converge: { ...step.converge, crossing: 'all-at-once' },
  };
  return [together, proof];
}

function noQuorum({ inventory }: Run): string {
  return `certificates have expired, so ${dcsOf(inventory).name} has no quorum: renewing those of all hosts at once, then checking everything`;
}

/** Ids of the steps that may be carried out all at once. */
const PROVABLE = ['renew', 'replace', ...PHASES.map(({ phase }) => phase)];

function atOnce(id: string): string {
  return `${id}-at-once`;
}

/** All hosts were given at once what the step brings, and nothing has proved it yet. */
function isToBeProved({ done }: Run, id: string): boolean {
  return done.has(atOnce(id)) && !done.has(id);
}

/** Expired certificates have cost the store its quorum, or are about to. */
function isRecovery({ kept }: Run, { quorumLost, expired }: Health): boolean {
  return hasExpired(kept) || (quorumLost && expired.length > 0);
}

function hasExpired({ authority }: KeptFacts): boolean {
  const certificate = readCertificate(authority.certificate ?? '');
  return certificate !== undefined && daysLeft(certificate) < 0;
}
