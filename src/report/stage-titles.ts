import type { StageShape } from '../events.js';
import type { TimedEvent } from './timed-steps.js';

/** Stages as they were announced, in order and each once: with the run's first event, as an operation's steps, or by one of them. */
export function announcedStages(events: readonly TimedEvent[]): Pick<StageShape, 'id' | 'title'>[] {
  const all = events.flatMap((event): readonly Pick<StageShape, 'id' | 'title'>[] => {
    if (event.type === 'run-start' || event.type === 'stages') return event.stages;
    return event.type === 'steps' ? event.steps.filter(({ pass }) => pass !== true) : [];
  });
  return [...new Map(all.map((stage) => [stage.id, stage])).values()];
}

/** The titles of stages by their ids. */
export function stageTitles(events: readonly TimedEvent[]): Map<string, string> {
  return new Map(announcedStages(events).map(({ id, title }) => [id, title]));
}
