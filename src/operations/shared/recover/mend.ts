import type { OperationStep } from '../../../index.js';
import { notStreaming } from '../members.js';
import { correctionSteps } from './corrections.js';
import { leftMembers } from './members.js';
import { isUp, type RecoverRun } from './seen.js';
import { followStep, startStep } from './starts.js';

/** A member leads, and others do not stream from it. */
export function mendSteps(run: RecoverRun, leader: string): OperationStep[] {
  const { view } = run;
  const left = leftMembers(run).map(({ host }) => host);
  const late = notStreaming(view, leader)
    .map(({ name }) => name)
    .filter((name) => !left.includes(name));
  if (late.length === 0) return [];
  const starts = run.done.has('start-others') && late.every((name) => isUp(view, name)) ? [] : startStep(late, leader);
  return [...correctionSteps(run), ...starts, ...followStep(run, leader, late)];
}
