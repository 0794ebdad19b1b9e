/** Colours of drawings, each with a background of its own, for light pages and for dark ones. */
const STYLE = [
  'text{font:14px system-ui,sans-serif;fill:#1f2328}.s{font-size:12px;fill:#57606a}.h{font-weight:600}.m{text-anchor:middle}.e{text-anchor:end}',
  '.page{fill:#fff}.box{fill:#f6f8fa;stroke:#8c959f}.own{fill:#ddf4ff;stroke:#54aeff}.lead{fill:#dafbe1;stroke:#4ac26b}',
  '.line{fill:none;stroke:#57606a;stroke-width:1.5}.tip{fill:#57606a}',
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#9198a1}.page{fill:#0d1117}.box{fill:#151b23;stroke:#656c76}',
  '.own{fill:#121d2f;stroke:#316dca}.lead{fill:#12261e;stroke:#347d39}.line{stroke:#9198a1}.tip{fill:#9198a1}}',
].join('');

/** A drawing of that size; what it is, for those who cannot see it, comes first. */
export function drawing(title: string, width: number, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>',
    `<rect class="page" width="${width}" height="${height}" rx="8"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** A rectangle of a class, with its top left corner, width and height. */
export function box(className: string, x: number, y: number, width: number, height: number): string {
  return `<rect class="${className}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`;
}

/** One line of text at its baseline. */
export function label(text: string, x: number, y: number, className = ''): string {
  return `<text x="${x}" y="${y}"${className === '' ? '' : ` class="${className}"`}>${text}</text>`;
}

/** A line with a tip at its end, or at both; points as in a path. */
export function arrow(path: string, both = false): string {
  return `<path class="line" d="${path}"${both ? ' marker-start="url(#tip)"' : ''} marker-end="url(#tip)"/>`;
}
