import { groupBy } from '../lib/group-by.js';
import { formatElapsed } from './duration.js';
import { symbols, type Paint } from './paint.js';
import type { RunState } from './run-state.js';
import type { TreeBlock, TreeLine, TreeMoment } from './tree-types.js';
import { firstLine, listNames } from './words.js';

/** The last warnings of a run get a line each while it is drawn; below the last picture all of them are told. */
const SHOWN_WARNINGS = 2;

/** Steps of so many stages are named that are still to be finished. */
const SHOWN_STEPS = 4;

/** What a person must see at once, below all else: warnings, and that the run was told to end. */
export function noticeBlocks(state: RunState, moment: TreeMoment, paint: Paint): TreeBlock[] {
  if (moment.closed) return [];
  const warnings = moment.warnings.slice(-SHOWN_WARNINGS).map(
    (text): TreeBlock => ({
      line: { mark: paint.changed('!'), text: `${paint.changed('warning:')} ${firstLine(text)}` },
      rows: [],
    }),
  );
  return [...warnings, ...interruptedBlock(state, moment, paint)];
}

/** The most blocks that there may be. */
export const MOST_NOTICES = SHOWN_WARNINGS + 1;

function interruptedBlock(state: RunState, { now }: TreeMoment, paint: Paint): TreeBlock[] {
  const { interrupted: how, underWay } = state;
  if (how === undefined) return [];
  const begin = `${how.charAt(0).toUpperCase()}${how.slice(1)}`;
  const leaves = how === 'interrupted' ? '; Ctrl-C again leaves it at once' : '';
  const text = underWay.length === 0 ? `${begin} — ending` : `${begin} — finishing what is under way${leaves}`;
  const stages = [...groupBy(underWay, ({ stage = '' }) => stage)];
  const rows = stages.slice(0, SHOWN_STEPS).map(([id, places]): TreeLine => {
    const phase = state.stages.get(id);
    const began = Math.min(...places.map(({ host }) => phase?.parts.get(host)?.startedAt ?? now));
    const elapsed = formatElapsed(now - began);
    const time = elapsed === '' ? '' : ` (${elapsed})`;
    return {
      mark: paint.changed(symbols.unfinished),
      text: `${listNames(places.map(({ host }) => host))} · ${phase?.title ?? 'the look at it'}${time}`,
    };
  });
  return [{ line: { mark: paint.changed(symbols.unfinished), text: paint.changed(text) }, rows }];
}
