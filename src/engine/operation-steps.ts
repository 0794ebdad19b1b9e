import { localServer } from '../plan/local-server.js';
import type { ConvergeStep, DeskStep, Foreseen, HostStep, OperationStep, SnapshotStep } from '../plan/operation.js';
import { writeProbe } from '../resources/write-probe.js';
import type { Begun } from './begun.js';
import type { Cluster } from './cluster.js';
import { Converging } from './converging.js';
import { deskOf } from './desk.js';
import { takeHostStep, type HostStepParts } from './host-step.js';
import { OpenGap } from './open-gap.js';
import type { OperateOptions, OperationProposal } from './operate-options.js';
import type { OperationState } from './operation-state.js';
import { assertSameSteps } from './shown-steps.js';
import { Snapshots } from './snapshots.js';
import { goBack } from './way-back.js';

/** What the steps of an operation are carried out with. */
export interface OperationStepsParts<Options extends object> {
  options: OperateOptions<Options>;
  cluster: Cluster;
  state: OperationState<Options>;
  begun: Begun<Options>;
  /** It resumes what a person has agreed to. */
  resumes: boolean;
  /** Asks the guards, of a converge step with what it would change. @throws PgprovError for what they object to */
  guard(converging?: Converging): Promise<void>;
}

/** Carries single steps of an operation out, each in the way of its kind, once a person has agreed to the first. */
export class OperationSteps<Options extends object> {
  readonly #parts: OperationStepsParts<Options>;
  /** A person has agreed, or nobody had to be asked. */
  #agreed: boolean;
  /** A step without a way back was begun. */
  #isPastReturn = false;
  readonly #gap = new OpenGap();

  constructor(parts: OperationStepsParts<Options>) {
    this.#parts = parts;
    this.#agreed = parts.resumes;
  }

  /** Carries a step out, once it is agreed to; false: it failed, or was interrupted. */
  async take(step: OperationStep, foreseen: Foreseen): Promise<boolean> {
    const { operation } = this.#parts.options;
    if ('converge' in step) return this.#converge(step, foreseen);
    const touchesHosts = operation.changesNothing !== true && foreseen.steps.some((each) => !('atDesk' in each || 'snapshot' in each));
    await this.#agree(touchesHosts ? this.#parts.state.proposal(foreseen) : undefined, async () => {
      await this.#parts.state.look();
      await this.#parts.guard();
      return this.#parts.state.proposal(this.#parts.state.remaining());
    });
    this.#tell(step);
    if ('snapshot' in step) return this.#snapshot(step);
    const last = this.#lastMomentBefore(step, foreseen);
    if (last !== undefined) await this.#snapshots().before(operation.name, last);
    this.#isPastReturn ||= step.pointOfNoReturn === true;
    if ('atDesk' in step) {
      await this.#atDesk(step);
      return true;
    }
    return this.#onHosts(step, foreseen);
  }

  /** Carries a step out, and those that follow it at once; false: one failed on one of its hosts. */
  async #onHosts(step: HostStep, { steps }: Foreseen): Promise<boolean> {
    const { options, cluster, state, begun } = this.#parts;
    const take = (each: HostStep): Promise<void> => takeHostStep(cluster, `${options.operation.name}/${each.id}`, each, this.#hostParts());
    await (step.preparesOnly === true ? begun.preparing(() => take(step)) : take(step));
    for (const next of followingAtOnce(steps)) {
      if (cluster.results.errors.length > 0 || cluster.signal.aborted) break;
      await take(next);
      state.take(next.id);
    }
    const failed = cluster.results.errors.length > 0;
    await state.look();
    return !failed;
  }

  #hostParts(): HostStepParts {
    const { state } = this.#parts;
    return {
      contextOf: (host) => state.contextOf(host),
      observationsOf: (host) => state.observationsOf(host),
      probeOf: (name) => {
        const { host, platform } = state.contextOf(name);
        return host.roles.includes('postgresql') ? writeProbe(localServer(host, platform)) : undefined;
      },
      gap: this.#gap,
    };
  }

  /** The step without a way back ahead of which all is saved now: before nobody can write any more, where the step comes after that. */
  #lastMomentBefore(step: OperationStep, { steps }: Foreseen): OperationStep | undefined {
    if (this.#gap.isOpen) return undefined;
    const measured = 'on' in step ? step.measuresWriteGap : undefined;
    const id = typeof measured === 'object' ? measured.until : step.id;
    return steps.find((each) => each.id === id && each.pointOfNoReturn === true);
  }

  /** The operation ends early: what it has begun is put back as it was, as far as it says how. */
  async goBack(): Promise<void> {
    if (!this.#isPastReturn) await goBack({ ...this.#parts, host: this.#hostParts() });
    this.#gap.drop();
  }

  /**
   * Asks once, and writes down what was chosen.
   * @param proposal undefined: nothing is done that has to be asked about
   * @param again looks anew: the cluster may have changed while a person thought, and only what was shown is done
   */
  async #agree(proposal: OperationProposal | undefined, again: () => Promise<OperationProposal>): Promise<void> {
    if (proposal !== undefined && !this.#agreed) {
      const ms = await this.#parts.options.consent?.(proposal);
      if (ms !== undefined) {
        this.#parts.cluster.answered(ms);
        assertSameSteps(proposal, await again());
      }
      this.#agreed = true;
    }
    await this.#parts.begun.write(this.#parts.state.chosen);
  }

  async #converge(step: ConvergeStep, foreseen: Foreseen): Promise<boolean> {
    const { results, signal } = this.#parts.cluster;
    const converging = await this.planned(step);
    const isNeeded = converging.changes.length > 0 || step.converge.proves === true;
    if (!isNeeded || signal.aborted) return !signal.aborted;
    await this.#agree(this.#parts.state.proposal(foreseen, converging), async () => {
      await converging.planAgain();
      await this.#parts.guard(converging);
      return this.#parts.state.proposal(this.#parts.state.remaining(), converging);
    });
    this.#tell(step);
    if (step.pointOfNoReturn === true) await this.#snapshots().before(this.#parts.options.operation.name, step);
    this.#isPastReturn ||= step.pointOfNoReturn === true;
    await converging.carryOut();
    this.#takeOver(step, converging);
    await this.#parts.state.recall();
    return results.errors.length === 0 && !signal.aborted;
  }

  /** A converge step, planned; its guards have nothing against the plan, unless that is empty. */
  async planned(step: ConvergeStep): Promise<Converging> {
    const { operation, catalog, openStore, check } = this.#parts.options;
    const { cluster, state } = this.#parts;
    const converging = await Converging.planned({ cluster, step, operation, ...state.more, catalog, openStore, check });
    this.#takeOver(step, converging);
    if (converging.changes.length > 0) await this.#parts.guard(converging);
    return converging;
  }

  /** What was asked of the hosts goes on being asked, unless that was of a part of them. */
  #takeOver({ converge: { without = [] } }: ConvergeStep, { pass }: Converging): void {
    if (without.length === 0) this.#parts.state.pass = pass;
  }

  #tell({ tells }: OperationStep): void {
    if (tells !== undefined) this.#parts.options.emit({ type: 'note', text: tells });
  }

  async #atDesk(step: DeskStep): Promise<void> {
    await this.#asStage(step, async () => {
      const desk = await deskOf(this.#parts.options, (left) => this.#parts.state.leftByHand.push(left));
      this.#parts.begun.atDesk();
      await step.atDesk(desk);
      await this.#parts.state.recall();
    });
  }

  async #snapshot(step: SnapshotStep): Promise<boolean> {
    await this.#asStage(step, () => this.#snapshots().take(this.#parts.options.operation.name, step));
    return true;
  }

  /** Tells of a step that no host takes as it tells of a stage. */
  async #asStage({ id }: OperationStep, work: () => Promise<unknown>): Promise<void> {
    const stage = `${this.#parts.options.operation.name}/${id}`;
    const began = Date.now();
    this.#parts.options.emit({ type: 'stage-start', stage });
    await work();
    this.#parts.options.emit({ type: 'stage-end', stage, ms: Date.now() - began });
  }

  #snapshots(): Snapshots {
    const { catalog, openStore } = this.#parts.options;
    return new Snapshots({
      cluster: this.#parts.cluster,
      catalog,
      openStore,
      emit: this.#parts.options.emit,
      contextOf: (host) => this.#parts.state.contextOf(host),
    });
  }
}

/** The steps that follow the first at once. */
function followingAtOnce([, ...rest]: readonly OperationStep[]): HostStep[] {
  const later = rest.findIndex((step) => !('on' in step) || step.atOnce !== true);
  return rest.slice(0, later === -1 ? rest.length : later).filter((step): step is HostStep => 'on' in step);
}
