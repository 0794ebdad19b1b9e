import type { EventListener } from '../events.js';
import { formatBytes } from '../lib/bytes.js';
import { enumerate } from '../lib/enumerate.js';
import { asPgprovError } from '../lib/errors.js';
import { shownPath } from '../lib/shown-path.js';
import type { OperationStep, SnapshotStep } from '../plan/operation.js';
import type { Role, RoleContext } from '../plan/role.js';
import type { Cluster } from './cluster.js';
import type { OpenStore } from './converging.js';
import { KEPT } from '../store/snapshot-file.js';
import { takeSnapshot } from './snapshot.js';

/** What the snapshots of an operation are taken with. */
export interface SnapshotsParts {
  cluster: Cluster;
  catalog: readonly Role[];
  openStore: OpenStore;
  emit: EventListener;
  /** @throws RangeError for a host whose system is not known */
  contextOf(host: string): RoleContext;
}

/** Takes the snapshots of an operation, and tells where they are and what they lack. */
export class Snapshots {
  readonly #parts: SnapshotsParts;

  constructor(parts: SnapshotsParts) {
    this.#parts = parts;
  }

  /**
   * Saves all there is, as a step says.
   * @throws PgprovError where nothing could be saved
   */
  async take(operation: string, { snapshot: { to } }: SnapshotStep): Promise<void> {
    const { emit, cluster } = this.#parts;
    const place = to === undefined ? { store: await this.#store() } : { to };
    const taken = await takeSnapshot({ ...this.#parts, form: 'full', place, operation });
    const all = `${taken.files} files of ${enumerate(taken.hosts)}, ${formatBytes(taken.bytes)}`;
    emit({
      type: 'note',
      lasts: true,
      text: `${cluster.inventory.cluster} is saved in ${shownPath(taken.file)}: ${all}; it holds passwords`,
    });
    for (const missing of taken.missing) emit({ type: 'warning', text: `not in the snapshot: ${missing}` });
  }

  /** Saves what takes no time, ahead of a step without a way back. The step does not depend on it. */
  async before(operation: string, { title }: OperationStep): Promise<void> {
    const { cluster, emit, catalog } = this.#parts;
    if (catalog.every(({ saves }) => saves === undefined)) return;
    try {
      const place = { store: await this.#store(), before: operation };
      const { file, missing, removed } = await takeSnapshot({ ...this.#parts, form: 'light', place, operation });
      const lacks = missing.length === 0 ? '' : `; not in it: ${missing.join('; ')}`;
      emit({
        type: 'note',
        lasts: true,
        text: `${cluster.inventory.cluster} was saved in ${shownPath(file)}, before there is no way back${lacks}`,
      });
      if (removed.length === 0) return;
      emit({
        type: 'note',
        text: `removed ${removed.map(shownPath).join(', ')}: of those that an operation takes by itself the newest ${KEPT} are kept`,
      });
    } catch (error) {
      const { message } = asPgprovError(error);
      emit({ type: 'warning', text: `no snapshot was taken before the step "${title}": ${message}` });
    }
  }

  async #store(): Promise<string> {
    return (await this.#parts.openStore({ writable: true })).directory;
  }
}
