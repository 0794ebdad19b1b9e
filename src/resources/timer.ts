import { joinScripts, NOTHING, sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { printAnswer, type SharedQuestion } from './shared-question.js';
import { isToChange, type Reflected } from './reflected.js';
import { answerText, digestOf, type Change, type Resource } from './resource.js';

/** What systemd says of a timer. */
export interface TimerState {
  enabled: boolean;
  active: boolean;
  /** Its file, or that of the service that it starts, was changed since systemd read it. */
  stale: boolean;
}

/** What a timer is to be. */
export interface TimerOptions {
  /** With its ending: `pgprov-backup@full.timer`. */
  unit: string;
  /** It is to run; otherwise it is to be off, and its file may be missing. */
  runs: boolean;
  /** The files of both that the run writes. */
  files?: readonly Reflected[];
}

function timersQuestion(units: readonly string[]): SharedQuestion {
  return {
    variable: 'pgprov_timers',
    subjects: units,
    ask: (all) => sh`systemctl show -p Id -p UnitFileState -p ActiveState -p NeedDaemonReload ${all} 2>/dev/null || :`,
  };
}

/** A systemd timer that runs, now and after a boot, or one that does not. */
export function timer({ unit, runs, files = [] }: TimerOptions): Resource<TimerState> {
  const { id } = handle<TimerState>(`timer:${unit}`);
  const service = unit.replace(/\.timer$/u, '.service');
  const question = timersQuestion([unit, service]);
  return {
    id,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => {
      const blocks = answerText(answer).split('\n\n');
      const of = (name: string): string[] => blocks.map((block) => block.split('\n')).find((block) => block.includes(`Id=${name}`)) ?? [];
      const lines = of(unit);
      return {
        enabled: lines.some((line) => line.startsWith('UnitFileState=enabled')),
        active: lines.includes('ActiveState=active'),
        stale: [...lines, ...of(service)].includes('NeedDaemonReload=yes'),
      };
    },
    diff: ({ enabled, active, stale }, states): Change[] => {
      if (runs && !(enabled && active)) return [{ action: 'enable', summary: `enable and start ${unit}` }];
      if (!runs && (enabled || active)) return [{ action: 'update', summary: `stop ${unit}` }];
      return stale || (runs && isToChange(files, states)) ? [{ action: 'reload', summary: `let systemd read ${unit} anew` }] : [];
    },
    apply: (changes) =>
      joinScripts([
        sh`systemctl daemon-reload`,
        ...changes.map(({ action }) =>
          action === 'enable'
            ? sh`systemctl -q enable --now ${unit}`
            : action === 'update'
              ? sh`systemctl -q disable --now ${unit}`
              : NOTHING,
        ),
      ]),
    digest: () => digestOf(id, String(runs)),
  };
}
