import type { OperateOptions } from '../../engine/operate-options.js';
import type { EngineParts } from '../pipeline/pipeline.js';
import { timeSoFar } from '../prompt-time.js';

/** What an operation is carried out with that belongs to a single run of it. */
export type OfEngine = 'check' | 'emit' | 'consent' | 'begin' | 'end' | 'transport' | 'signal';

/** What the pipeline gives it of these. */
export function engineOptions({
  transport,
  emit,
  signal,
}: EngineParts): Pick<OperateOptions<object>, 'transport' | 'emit' | 'signal' | 'startUp'> {
  return { transport, emit, signal, startUp: timeSoFar() };
}
