import type { Host, Inventory } from '../model/index.js';
import type { HostWork } from '../plan/host-work.js';
import type { Role, RoleContext } from '../plan/role.js';
import { identitiesOf } from '../plan/tls.js';
import { HOST_FACTS, hostFacts, type ClockOffset } from '../resources/host-facts.js';
import type { Store } from '../store/store.js';
import type { Transport } from '../transport/transport.js';
import { Session } from './session.js';
import { probeSections, supported, takeStates } from './survey.js';
import { WorkOfHosts } from './work-of-hosts.js';

/** A host that answered, and what its roles make of it. */
export interface Visited {
  session: Session;
  context: RoleContext;
  work: HostWork;
  clock: ClockOffset;
}

/** Goes to single hosts for commands that ask them little: each is known by its facts alone. */
export class Visits {
  readonly #work: WorkOfHosts;
  readonly #transport: Transport;

  private constructor(work: WorkOfHosts, transport: Transport) {
    this.#work = work;
    this.#transport = transport;
  }

  static async prepare(options: { inventory: Inventory; catalog: readonly Role[]; store: Store; transport: Transport }): Promise<Visits> {
    const { inventory, catalog, store, transport } = options;
    await store.certificates.prepare(identitiesOf(catalog, inventory));
    const work = new WorkOfHosts({ inventory, catalog, store, roles: catalog, thorough: false });
    work.recall();
    return new Visits(work, transport);
  }

  /**
   * Connects to a host and asks what it is.
   * @throws UnreachableError when it does not answer
   */
  async visit(host: Host, signal: AbortSignal): Promise<Visited> {
    const session = await Session.open(host, this.#transport, signal);
    const stop = (): void => void session.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const facts = hostFacts();
      const asked = Date.now();
      let answered = 0;
      const { byId } = await session.run(probeSections([facts]), { listener: { done: () => (answered = Date.now()) } });
      takeStates(session, [facts], byId);
      const platform = supported(session, { assumed: this.#work.platformOf(host) });
      const work = this.#work.for(host, platform);
      this.#work.confirmPlatform(host, platform, work);
      const { clock } = session.seen(HOST_FACTS);
      return { session, context: this.#work.contextOf(host), work, clock: { least: clock - answered, most: clock - asked } };
    } catch (error) {
      await session.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}
