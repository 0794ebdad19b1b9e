import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { printAnswer, type SharedQuestion } from './shared-question.js';
import { answerText, digestOf, type Change, type Resource } from './resource.js';

/** What systemd says of a timer. */
export interface TimerState {
  enabled: boolean;
  active: boolean;
  /** Its file was changed since systemd read it. */
  stale: boolean;
}

/** What a timer is to be. */
export interface TimerOptions {
  /** With its ending: `pgprov-backup@full.timer`. */
  unit: string;
  /** It is to run; otherwise it is to be off, and its file may be missing. */
  runs: boolean;
}

function timersQuestion(unit: string): SharedQuestion {
  return {
    variable: 'pgprov_timers',
    subjects: [unit],
    ask: (all) => sh`systemctl show -p Id -p UnitFileState -p ActiveState -p NeedDaemonReload ${all} 2>/dev/null || :`,
  };
}

/** A systemd timer that runs, now and after a boot, or one that does not. */
export function timer({ unit, runs }: TimerOptions): Resource<TimerState> {
  const { id } = handle<TimerState>(`timer:${unit}`);
  const question = timersQuestion(unit);
  return {
    id,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => {
      const blocks = answerText(answer).split('\n\n');
      const lines = blocks.map((block) => block.split('\n')).find((block) => block.includes(`Id=${unit}`)) ?? [];
      return {
        enabled: lines.some((line) => line.startsWith('UnitFileState=enabled')),
        active: lines.includes('ActiveState=active'),
        stale: lines.includes('NeedDaemonReload=yes'),
      };
    },
    diff: ({ enabled, active, stale }): Change[] => {
      if (!runs) return enabled || active ? [{ action: 'update', summary: `stop ${unit}` }] : [];
      if (enabled && active) return stale ? [{ action: 'reload', summary: `let systemd read ${unit} anew` }] : [];
      return [{ action: 'enable', summary: `enable and start ${unit}` }];
    },
    apply: () =>
      runs
        ? sh`systemctl daemon-reload
systemctl -q enable --now ${unit}`
        : sh`systemctl -q disable --now ${unit}`,
    digest: () => digestOf(id, String(runs)),
  };
}
