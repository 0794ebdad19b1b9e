import type { EventListener } from '../events.js';
import { PgprovError } from '../lib/errors.js';
import type { StageProof } from '../plan/role.js';
import type { Session } from './session.js';
import { lastWords } from './step.js';

/** A proof that one host's change is well received, and where it is asked for. */
export interface ProofRequest {
  /** Of the host that is asked. */
  session: Session;
  gate: StageProof['gate'];
  /** Stage id, `role/name`. */
  stage: string;
  /** The host whose change it is about, which the events are told of. */
  host: string;
  emit: EventListener;
}

/**
 * Waits for a proof.
 * @throws PgprovError `gate/closed` when it does not come
 */
export async function askProof({ session, gate, stage, host, emit }: ProofRequest): Promise<void> {
  const began = Date.now();
  const { title } = gate;
  emit({ type: 'waiting', host, stage, title });
  const { byId } = await session.run([{ id: gate.id, body: gate.wait(), mode: 'step' }]);
  const answer = byId.get(gate.id);
  if (answer?.status === 0) {
    emit({ type: 'waited', host, stage, title, ms: Date.now() - began });
    return;
  }
  throw new PgprovError({
    kind: 'gate/closed',
    host,
    message: `${host}: ${answer === undefined ? `${session.host.name} did not report whether ${title}` : lastWords(answer)}`,
    hint: 'the other hosts were left as they are; fix the cause and run the same command again; it continues from here',
  });
}
