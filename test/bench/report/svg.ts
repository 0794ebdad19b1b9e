import { contenderTitle } from '../contenders/names.js';
import { known, secondsOf } from '../lib/sample.js';
import { median } from '../lib/statistics.js';
import { seconds } from './numbers.js';
import type { MeasureResult, Results } from './results.js';

/** Colours with enough contrast on white and on black. */
const COLORS: Readonly<Record<string, string>> = {
  pgprov: '#2f81f7',
  ansible: '#d1453b',
  mitogen: '#c77d0a',
  script: '#7d8590',
  ssh2: '#4f9d55',
  patronictl: '#8f5bd6',
};
const OTHER = '#b05a8c';

const WIDTH = 860;
const LABELS = 250;
const VALUES = 90;
const BAR = 14;
const STEP = 20;
const TITLE = 34;

interface Bar {
  contender: string;
  label: string;
  value: number;
}

/** The medians as bars, a group a measure, each group on a scale of its own. */
export function renderSvg({ measures }: Results, order: readonly string[]): string {
  const groups = order.flatMap((name) => {
    const result = measures[name];
    return result === undefined ? [] : [{ title: result.title, bars: barsOf(result) }];
  });
  let y = 8;
  const parts = groups.flatMap(({ title, bars }) => {
    const drawn = [text(0, y + 20, title, 'class="title"')];
    y += TITLE;
    const longest = Math.max(...bars.map(({ value }) => value));
    for (const bar of bars) {
      drawn.push(...drawBar(bar, y, longest));
      y += STEP;
    }
    y += 10;
    return drawn;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="Medians of the benchmark; shorter is better">`,
    '<style>text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:15px}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>',
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function barsOf({ series }: MeasureResult): Bar[] {
  return series.flatMap((one) => {
    const value = median(known(secondsOf(one)));
    const label = [contenderTitle(one.contender), ...(one.point === undefined ? [] : [one.point])].join(', ');
    return value === undefined ? [] : [{ contender: one.contender, label, value }];
  });
}

function drawBar({ contender, label, value }: Bar, y: number, longest: number): string[] {
  const width = Math.max(1, ((WIDTH - LABELS - VALUES) * value) / longest);
  return [
    text(LABELS - 8, y + BAR - 3, label, 'text-anchor="end"'),
    `<rect x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2" fill="${COLORS[contender] ?? OTHER}"/>`,
    text(LABELS + width + 6, y + BAR - 3, seconds(value)),
  ];
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y}"${attributes === '' ? '' : ` ${attributes}`}>${escapeText(content)}</text>`;
}

function escapeText(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
