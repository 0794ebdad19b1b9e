import picocolors from 'picocolors';

type Style = (text: string) => string;

/** Colours by meaning; every meaning has a word or a symbol besides, for those who see no colours. */
export interface Paint {
  ok: Style;
  changed: Style;
  failed: Style;
  skipped: Style;
  active: Style;
  quiet: Style;
  strong: Style;
}

/** The colours, or none of them. */
export function makePaint(color: boolean): Paint {
  const { green, yellow, red, dim, cyan, bold } = picocolors.createColors(color);
  return { ok: green, changed: yellow, failed: red, skipped: dim, active: cyan, quiet: dim, strong: bold };
}

/** Symbols that tell apart how things ended. */
export const symbols = {
  ok: '✔',
  changed: '●',
  failed: '✖',
  skipped: '↓',
  unfinished: '◼',
  active: '❯',
  later: '◌',
  hint: '→',
  told: '·',
} as const;

/** Colours that tell several things of a kind apart, taken in turn; none of them is that of a failure. */
export function distinctPaints(color: boolean): readonly Style[] {
  const { cyan, yellow, green, magenta, blue, cyanBright, yellowBright, greenBright, magentaBright, blueBright } =
    picocolors.createColors(color);
  return [cyan, yellow, green, magenta, blue, cyanBright, yellowBright, greenBright, magentaBright, blueBright];
}
