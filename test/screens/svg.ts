import type { Run, Screen } from './terminal.js';

const [CELL, LINE, PADDING, BAR] = [8, 18, 16, 30];

/** The sixteen colours, on a background of their own: a terminal looks the same on light pages and on dark ones. */
const COLORS = [
  ...['#8b949e', '#ff7b72', '#56d364', '#e3b341', '#79c0ff', '#d2a8ff', '#76e3ea', '#e6edf3'],
  ...['#8b949e', '#ffa198', '#7ee787', '#f2cc60', '#a5d6ff', '#e2c5ff', '#b3f0ff', '#ffffff'],
];

const HOLD = 6;

export interface Look {
  columns: number;
  /** What the picture is for those who cannot see it, and the title of its window. */
  title: string;
  /** How many times faster than it was the recording plays. */
  speed?: number;
}

/** A picture of a terminal: of one screen, or of several that play again and again. Who prefers no motion sees the last one. */
export function terminalSvg(screens: readonly Screen[], { columns, title, speed = 1 }: Look): string {
  const width = columns * CELL + 2 * PADDING;
  const height = Math.max(...screens.map(({ rows }) => rows.length)) * LINE + BAR + PADDING;
  const known = new Map<string, string>();
  const frames = screens.map((screen, index) => `<g class="s" id="s${index}">${frame(screen, known)}</g>`);
  const rows = [...known].map(([content, id]) => `<g id="${id}">${content}</g>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#e6edf3;white-space:pre}.b{font-weight:700}.d{opacity:.65}${COLORS.map((color, index) => `.c${index}{fill:${color}}`).join('')}${motion(screens, speed)}</style>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117" stroke="#6e7681" stroke-opacity=".5"/>`,
    ...['#ff5f57', '#febc2e', '#28c840'].map((color, index) => `<circle cx="${18 + index * 18}" cy="15" r="5" fill="${color}"/>`),
    `<text x="${width / 2}" y="19" text-anchor="middle" class="d">${escaped(title)}</text>`,
    `<defs>${rows.join('\n')}</defs>`,
    ...frames,
    '</svg>\n',
  ].join('\n');
}

/** A row that is on several screens is in the file once. */
function frame({ rows }: Screen, known: Map<string, string>): string {
  return rows
    .map((row, index) => {
      if (row.length === 0) return '';
      const content = row.map(span).join('');
      const id = known.get(content) ?? `r${known.size}`;
      known.set(content, id);
      return `<use href="#${id}" y="${BAR + (index + 1) * LINE - 4}"/>`;
    })
    .join('');
}

/** The length is told, so that columns stand below each other in any font. */
function span({ column, text, color, bold, dim }: Run): string {
  const classes = [...(color === undefined ? [] : [`c${color}`]), ...(bold ? ['b'] : []), ...(dim ? ['d'] : [])].join(' ');
  const attributes = classes === '' ? '' : ` class="${classes}"`;
  return `<text x="${PADDING + column * CELL}" textLength="${text.length * CELL}" lengthAdjust="spacingAndGlyphs"${attributes}>${escaped(text)}</text>`;
}

function motion(screens: readonly Screen[], speed: number): string {
  if (screens.length < 2) return '';
  const starts = screens.map(({ at }) => at / 1000 / speed);
  const all = (starts.at(-1) ?? 0) + HOLD;
  const percent = (seconds: number): string => `${((100 * seconds) / all).toFixed(2)}%`;
  const steps = starts.map((start, index) => {
    const hidden = index === 0 ? '' : '0%{visibility:hidden}';
    const end = starts[index + 1];
    const over = end === undefined ? '' : `${percent(end)}{visibility:hidden}`;
    return `@keyframes k${index}{${hidden}${percent(start)}{visibility:visible}${over}}#s${index}{animation:k${index} ${all.toFixed(2)}s step-end infinite}`;
  });
  return `.s{visibility:hidden}${steps.join('')}@media(prefers-reduced-motion:reduce){.s{animation:none!important}#s${screens.length - 1}{visibility:visible}}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
