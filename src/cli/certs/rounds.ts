import { setTimeout } from 'node:timers/promises';
import type { PlannedChange } from '../../events.js';
import type { RunOutcome } from '../../engine/run.js';
import { ExitCode, InputError, PgprovError } from '../../lib/errors.js';
import { redact } from '../../lib/secret.js';
import type { Inventory } from '../../model/index.js';
import type { Role } from '../../plan/role.js';
import type { View } from '../../plan/view.js';
import { renderError } from '../../report/error-text.js';
import { toJsonLine } from '../../report/json.js';
import { mapEvent } from '../../report/map-event.js';
import { renderPlan } from '../../report/plan-text.js';
import { chooseOutput, createReporter } from '../../report/reporter.js';
import { Certificates } from '../../store/certificates.js';
import { takeLocalLock } from '../../store/local-lock.js';
import type { Renewal } from '../../store/renewal.js';
import { certificatesDirectory, storeDirectory } from '../../store/store.js';
import { runOnHosts, type ClusterRun } from '../cluster-run.js';
import { colors } from '../colors.js';
import { canAsk, confirm } from '../confirm.js';
import { aimOf, aimWords, type OutputOptions } from '../options.js';
import { fileChange, insistSameChanges } from '../plan-file.js';
import { tell } from '../tell.js';
import { allAtOnce, CERTIFICATE_ROLES, inspecting } from './catalog.js';
import { fitnessOf, type Fitness } from './health.js';
import { filesOf, placesOf } from './places.js';

/** Options of `pgprov certs renew`. */
export interface RenewOptions extends OutputOptions {
  /** Days. */
  within: number;
  /** Those as well that are good for longer. */
  all?: boolean;
  /** Rotate the authority. */
  ca?: boolean;
  yes?: boolean;
  check?: boolean;
}

/** How often a cluster is looked at in which a member does not work, and the milliseconds in between. */
const LOOKS = 4;
const BETWEEN_LOOKS = 2000;

/** What a look before a round found to be done. */
interface Prospect {
  changes: readonly PlannedChange[];
  effects: readonly string[];
  hosts: readonly string[];
  holdsData: boolean;
  fitness: Fitness;
}

/**
 * Brings certificates to hosts, once or, while an authority is rotated, several times; a person is asked only the first time.
 * Every host takes part, also where only some get new certificates, for the others must be well and tell what they see.
 */
export class Rounds {
  readonly #inventory: Inventory;
  readonly #options: RenewOptions;
  #agreed: boolean;

  constructor(inventory: Inventory, options: RenewOptions) {
    this.#inventory = inventory;
    this.#options = options;
    this.#agreed = options.yes === true;
  }

  /**
   * Looks, refuses where the cluster is not fit, asks, and lets a run bring the certificates to the hosts.
   *
   * @param nothing what to say when there is nothing to do
   * @throws PgprovError when a member does not work, or something else is to be applied first
   */
  async carryOut(wanted: Renewal, nothing?: string): Promise<ExitCode> {
    const { hosts: chosen } = aimOf(this.#inventory, this.#options);
    const renewal: Renewal = { ...wanted, ...(chosen === undefined ? {} : { hosts: chosen }) };
    const prospect = await this.#lookPatiently(renewal);
    if (typeof prospect === 'number') return prospect;
    const { changes, effects, hosts, fitness } = prospect;
    if (changes.length === 0) {
      if (nothing !== undefined) tell([{ type: 'note', text: nothing }], this.#options.output);
      return ExitCode.done;
    }
    const recovers = isRecovery(renewal, fitness);
    if (recovers) this.#insistAllHosts();
    else insistFit(fitness);
    const show = (): void => {
      const json = this.#options.output === 'json';
      const text = json ? toJsonLine(mapEvent({ type: 'planned', changes, effects }, redact), new Date()) : `${renderPlan(changes, { color: colors(process.stdout), diffs: false, hosts, effects })}\n`;
      process.stdout.write(`${text}\n`);
    };
    if (this.#options.check === true) {
      show();
      return ExitCode.done;
    }
    if (!(await this.#agrees(prospect, show))) return ExitCode.interrupted;
    if (!recovers) return this.#run({ renewal, roles: inspecting, expected: changes });
    tell([{ type: 'note', text: 'etcd has no quorum, for certificates have expired: all hosts get theirs at once, then everything is proved' }], this.#options.output);
    const brought = await this.#run({ renewal, roles: allAtOnce });
    return brought === ExitCode.done ? this.#run({ renewal: {}, roles: inspecting }) : brought;
  }

  /** Notes in the store that the old authority is gone from all hosts. */
  async finishRotation(): Promise<void> {
    const { dir, cluster } = this.#inventory;
    const release = await takeLocalLock(storeDirectory(dir, cluster));
    try {
      await Certificates.finishRotation(certificatesDirectory(dir, cluster), cluster);
    } finally {
      await release();
    }
  }

  /** A member that a run which was killed has just restarted is given the time to come up. */
  async #lookPatiently(renewal: Renewal): Promise<Prospect | ExitCode> {
    for (let left = LOOKS; ; left -= 1) {
      const prospect = await this.#look(renewal);
      const isFinal = typeof prospect === 'number' || prospect.changes.length === 0 || isRecovery(renewal, prospect.fitness) || ailingOf(prospect.fitness).length === 0;
      if (isFinal || left <= 1) return prospect;
      if (left === LOOKS) tell([{ type: 'note', text: 'waiting for members that do not work yet' }], this.#options.output);
      await setTimeout(BETWEEN_LOOKS);
    }
  }

  async #look(renewal: Renewal): Promise<Prospect | ExitCode> {
    const inventory = this.#inventory;
    const { outcome, hosts } = await this.#observe(renewal);
    const { exitCode, view, plan: changes, effects, holdsData } = outcome;
    if (exitCode !== ExitCode.done || view === undefined) return exitCode;
    insistOnlyCertificates(inventory, view, changes, renewal.hosts);
    return { changes, effects, hosts, holdsData, fitness: fitnessOf(inventory, view) };
  }

  async #observe(renewal: Renewal): Promise<{ outcome: RunOutcome; hosts: string[] }> {
    const hosts: string[] = [];
    const outcome = await runOnHosts({
      inventory: this.#inventory,
      aim: { roles: CERTIFICATE_ROLES },
      mode: 'plan',
      renewal,
      roles: inspecting,
      emit: (event) => {
        if (event.type === 'run-start') hosts.push(...event.hosts);
        if (event.type === 'failed') process.stderr.write(`${renderError(event.error, { color: colors(process.stderr) })}\n`);
      },
    });
    return { outcome, hosts };
  }

  async #agrees({ holdsData }: Prospect, show: () => void): Promise<boolean> {
    if (this.#agreed || !holdsData) return true;
    const { cluster } = this.#inventory;
    if (!canAsk() || this.#options.output === 'json') {
      throw new InputError({
        kind: 'certs/unconfirmed',
        message: `${cluster} holds data, and there is no terminal to ask on whether its certificates may be changed`,
        hint: 'nothing was changed; look with --check, then run again with --yes',
      });
    }
    show();
    this.#agreed = await confirm(`${cluster} holds data. Renew its certificates?`);
    if (!this.#agreed) process.stdout.write('Nothing was changed.\n');
    return this.#agreed;
  }

  async #run({ renewal, roles, expected }: { renewal: Renewal; roles: (catalog: readonly Role[]) => readonly Role[]; expected?: readonly PlannedChange[] }): Promise<ExitCode> {
    const inventory = this.#inventory;
    const { kind, color } = chooseOutput(this.#options.output, process.stdout, process.env);
    const reporter = await createReporter(kind, { out: process.stdout, err: process.stderr, color });
    const consent: ClusterRun['consent'] = async ({ changes }) => {
      if (expected !== undefined) insistSameChanges(expected.map(fileChange), changes);
    };
    try {
      const outcome = await runOnHosts({
        inventory,
        aim: { roles: CERTIFICATE_ROLES },
        mode: 'apply',
        said: { command: `certs renew${this.#options.ca === true ? ' --ca' : ''}`, aim: aimWords(this.#options), set: this.#options.set ?? [] },
        renewal,
        roles,
        emit: reporter.emit,
        consent,
      });
      return outcome.exitCode;
    } finally {
      await reporter.close();
    }
  }

  #insistAllHosts(): void {
    if (this.#options.host === undefined && this.#options.group === undefined) return;
    throw new InputError({
      kind: 'certs/whole-cluster',
      message: 'etcd has no quorum, for certificates have expired: it comes back only when all hosts get theirs',
      hint: 'run it again without --host and --group',
    });
  }
}

/** A restart of a service takes all of its configuration, so nothing else may be waiting to be applied; nor on other hosts than those that are meant. */
function insistOnlyCertificates(inventory: Inventory, view: View, changes: readonly PlannedChange[], hosts: readonly string[] | undefined): void {
  const own = new Set(
    placesOf(inventory).flatMap((place) => {
      const { host: { name }, service } = place;
      const platform = view.platform(name);
      if (platform === undefined || hosts?.includes(name) === false) return [];
      return [...Object.values(filesOf(place, platform)).map((path) => `${name} file:${path}`), `${name} service:${platform[service].unit}`];
    }),
  );
  const others = changes.filter(({ host, resource }) => !own.has(`${host} ${resource}`));
  if (others.length === 0) return;
  const shown = others.slice(0, 5).map(({ host, summary }) => `\n  ${host}: ${summary}`).join('');
  throw new PgprovError({
    kind: 'certs/other-changes',
    message: `there is more to be changed than ${hosts === undefined ? 'certificates' : `the certificates of ${hosts.join(', ')}`}:${shown}${others.length > 5 ? `\n  and ${others.length - 5} more` : ''}`,
    hint: 'nothing was changed; bring the hosts to what the inventory says with `pgprov apply` first',
  });
}

/** Expired certificates have cost etcd its quorum, or are about to. */
function isRecovery({ rotation }: Renewal, { quorumLost, expired }: Fitness): boolean {
  return rotation === 'replace' || (quorumLost && expired.length > 0);
}

/** What does not work and is not cured by a new certificate. */
function ailingOf({ ailing, expired }: Fitness): Fitness['ailing'] {
  return ailing.filter(({ host }) => !expired.includes(host));
}

/** A member whose own certificate has expired may ail, for it is cured; any other trouble comes first. */
function insistFit(fitness: Fitness): void {
  const others = ailingOf(fitness);
  if (others.length === 0) return;
  throw new PgprovError({
    kind: 'certs/unhealthy',
    message: `not every member works, and a certificate is changed only where all others do:${others.map(({ host, what }) => `\n  ${host}: ${what}`).join('')}`,
    hint: 'nothing was changed; see `pgprov status`, mend what is wrong, then run it again',
  });
}
