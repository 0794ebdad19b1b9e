import { enabledHandle, enumerate, START_TRIAL, type OperationStep } from '../../../index.js';
import { notStreaming } from '../members.js';
import { runningOf, stopped } from '../stopped.js';
import { patroniStarts } from '../patroni-starts.js';
import { correctionSteps } from './corrections.js';
import { leftMembers } from './members.js';
import { isUp, startsAtBoot, type RecoverRun } from './seen.js';
import { followStep, startStep } from './starts.js';

/** A member leads, and others do not stream from it, or would not start at boot. */
export function mendSteps(run: RecoverRun, leader: string): OperationStep[] {
  const { view } = run;
  const left = leftMembers(run).map(({ host }) => host);
  const late = notStreaming(view, leader)
    .map(({ name }) => name)
    .filter((name) => !left.includes(name));
  const boots = bootStep(run, late);
  if (late.length === 0) return boots;
  const starts = run.done.has('start-others') && late.every((name) => isUp(view, name)) ? [] : startStep(late, leader);
  return [...failedStop(run, late), ...correctionSteps(run), ...starts, ...boots, ...followStep(run, leader, late)];
}

/** Patroni reads its file only when it starts, and goes on with what keeps PostgreSQL down, so it is stopped before that is put right. */
function failedStop({ view, done }: RecoverRun, late: readonly string[]): OperationStep[] {
  const failed = late.filter((name) => {
    const trial = view.read(name, START_TRIAL);
    return trial?.asked === true && trial.objections.length > 0 && runningOf(view, name)?.patroni === true;
  });
  if (failed.length === 0 || done.has('stop-failed')) return [];
  return [
    {
      id: 'stop-failed',
      title: `stop Patroni on ${enumerate(failed)}, where PostgreSQL does not start`,
      on: failed,
      resources: (context) => [stopped(context, true)],
    },
  ];
}

/** Members that run, and that pgprov keeps from starting at boot: a run that was to stop them was cut off, and Patroni elected a leader meanwhile. */
function bootStep({ view }: RecoverRun, late: readonly string[]): OperationStep[] {
  const putOff = view.hosts('patroni').flatMap(({ name }) => {
    const unit = view.read(name, enabledHandle(view.platform(name)?.patroni.unit ?? ''));
    // That was seen at the start, and whether it starts at boot after every step.
    return unit?.putOff === true && !startsAtBoot(view, name) && isUp(view, name) && !late.includes(name) ? [name] : [];
  });
  if (putOff.length === 0) return [];
  return [
    {
      id: 'start-at-boot',
      title: `have Patroni on ${enumerate(putOff)} start at boot again`,
      on: putOff,
      resources: (context) => [patroniStarts(context)],
    },
  ];
}
