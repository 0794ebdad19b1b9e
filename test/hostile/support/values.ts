import fc from 'fast-check';
import { MATRIX, sample, SEED } from '../../support/depth.js';

/** Writes a file where any shell that ran a piece of a value would; `CANARY` is in the environment of all of them. */
const CANARY = ': >"$CANARY"';

const KIB = 1024;

/** Pieces that mean something to a shell, to a file format or to a terminal. */
const PIECES = [
  "'", '"', "''", '""', "'\\''", '\\', '\\\\', '\\n', '\\c', '\\0', '`', '$', '$(', ')', '${x}', '$x', '$$', '$((', '))', '$@',
  '\n', '\r', '\r\n', '\t', '\u0000', '\u0001', '\u0007', '\u001b[31m', '\u007f', '\u0085', '\u009b',
  ' ', '  ', '-', '--', '-rf', '*', '?', '[', ']', '~', '!', '#', '&', '&&', '|', ';', ';;', '<', '>', '>>', '(', ')', '{', '}', '{a,b}', '=', ',', ':', '/', '//', '.', '..',
  '%', '%%', '%s', '%n', '%h', '{{x}}', '{{{x}}}', '{{#each}}', ': ', '- ', '? ', '@', '!!', '&a', '*a', '---', '...', '# ', '"', ' #', '|-',
  "'; drop table x; --", '$$', '$pgprov$', '\\.', '\\q', "E'", '/*', '*/', '<a>', '&amp;', '[x]', '@x',
  'a', 'B', '0', 'é', 'e\u0301', '漢', '🐘', '👩‍🚀', '\u200f', '\u202e', '\u2028', '\u2029', '\ufeff', '\ufffe', '\uffff', '\ud800', '\udc00', '\u00a0',
  `$(${CANARY})`, `\`${CANARY}\``, `; ${CANARY}; `, `\n${CANARY}\n`, `' ${CANARY} '`, `" ; ${CANARY} ; "`,
] as const;

/** Values that each show one weakness, or many at once. */
export const HOSTILE: readonly string[] = [
  '', ' ', '\n', '-', '--', "'", '"', '\\', '`', '$', '\u0000', '\t', '\r', '\u007f', '%', '~', '#', '!', '*',
  `$(${CANARY})`, `\`${CANARY}\``, `'; ${CANARY}; '`, `"; ${CANARY}; "`, `\n${CANARY}\n`, `| ${CANARY}`, `& ${CANARY} &`, `\\\n${CANARY}`, `)\n${CANARY}\n(`,
  `a'b"c\\d$e\`f`, '${HOME}', '$HOME', '$((1+1))', '"$@"', 'a b  c', ' leading', 'trailing ', '-rf', '--version', '-', 'trailing-', 'trailing\\', 'a\\nb\\cd\\0101',
  '*?[a-z]', '~root', '#comment', 'a #comment', '!!', '! x', '&a', '*a', 'a;b', 'a|b', '<in>', '(a)', '{a,b}', '[a]', '{}', '[]',
  'a\nb', 'a\r\nb', 'a\rb', 'a\tb', 'a\u0001b', 'a\u001b]0;x\u0007b', 'a\u0085b', 'a\u0000b', '\nlast', 'last\n', 'EOF\n',
  'é', 'e\u0301', '\u202eevil', 'a\u2028b\u2029c', '🐘👩‍🚀', '\ufeffbom', 'bom\ufeff', '\ud800', 'a\udc00b', '\ufffe\uffff', 'a\u00a0b', '\u200f',
  '%n%h%%', '%s%d%x', '%', '{{x}}', '{{{this}}}', '{{#each x}}',
  ': ', 'a: b', '- a', '? a', '@a', '!!str a', '---', '...', 'yes', 'no', 'on', 'null', 'true', '~', '1', '0x1f', '1e3', '.inf', '2026-01-01', '<<', '=',
  "'; drop table x; --", "E'\\''", '$$; select 1; $$', '$pgprov$', 'a::b', '\\.', 'all', 'public', '+all', '@/etc/passwd', 'include x', '# END pgprov demo', '# BEGIN pgprov demo',
  'trailing-', 'a,b', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '.', '..', '../../etc', '/', '//', '/..', 'a/../b', 'a//b', 'a/', 'a.b.c', 'a..b',
  "'".repeat(1000), 'x'.repeat(64 * KIB), '"'.repeat(64 * KIB), '\\'.repeat(64 * KIB), `${'é🐘'.repeat(8 * KIB)}`, `$(${CANARY})`.repeat(4 * KIB).slice(0, 64 * KIB), 'a/'.repeat(32 * KIB), ' '.repeat(64 * KIB),
];

/** A few that between them show most weaknesses; every test tries all of them. */
export const WORST: readonly string[] = [
  'a b  c', '*', '-rf', `'${CANARY}'";${CANARY};\`${CANARY}\`$(${CANARY})|&<>(){}[]~#!\\$HOME %s%n {{x}} é\u202e`, `' ; ${CANARY} ; '`, `a\n${CANARY}\nb\tc\\`, '~root', 'a;b', '$x',
];

/** Any text at all, with what is dangerous in it far more often than by chance. */
export const hostile: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join('')) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...PIECES), fc.integer({ min: 1, max: 64 * KIB })).map(([piece, length]) => piece.repeat(Math.ceil(length / piece.length)).slice(0, length)) },
);

/** Small ones that some format or other takes for something else; they are tried everywhere. */
const ALWAYS: ReadonlySet<string> = new Set([
  '', '\u0000', '\ud800', '\n', '.', '..', '/', '//', '/..', 'a//b', 'a.b.c', 'trailing-', 'trailing\\', 'all', '__proto__', 'toString', '# END pgprov demo', 'a,b', '%', '@', '1',
]);

/** How much of what a test tries in the matrix a sample has. */
const SHARE = 1 / 4;

/** So many in the matrix, and a share of them in a sample. */
export function shareOf(count: number): number {
  return MATRIX ? count : Math.ceil(count * SHARE);
}

/**
 * The fixed values and so many generated ones, or a sample of both that has the worst. With a `salt` half of the fixed
 * ones, and few of the long, others for the next salt: for tests that go through many places.
 */
export function hostileValues(generated: number, salt?: number): string[] {
  const fixed = HOSTILE.filter((value, index) => salt === undefined || ALWAYS.has(value) || (index + salt) % (value.length < KIB ? 2 : 4) === 0);
  const [short, long] = [fixed.filter(({ length }) => length < KIB), fixed.filter(({ length }) => length >= KIB)];
  return [...new Set([
    ...sample(short, shareOf(short.length) + ALWAYS.size, `short ${salt ?? ''}`, (value) => ALWAYS.has(value)),
    ...sample(long, shareOf(long.length), `long ${salt ?? ''}`),
    ...WORST,
    ...fc.sample(hostile, { seed: SEED + (salt ?? 0), numRuns: shareOf(generated) }),
  ])];
}

/** Passwords of printable ASCII without two dollar signs, which is all that the inventory takes; a sample of them outside the matrix. */
export function hostilePasswords(generated: number): string[] {
  const character = fc.oneof(fc.constantFrom(...'\'"\\$`:;#%{}[]()<>|&*?~!@=,. -'), fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)));
  const generatedOnes = fc.sample(fc.string({ unit: character, minLength: 8, maxLength: 60 }), { seed: SEED, numRuns: shareOf(generated) });
  const fixed = [
    ...[...HOSTILE, ...WORST].filter((value) => /^[ -~]{4,1000}$/u.test(value)), `  ${CANARY}  `, 'a:b\\c:d', '"user = x', '\\"\\\\', "md5'x", '*:*:*:*:*', '%00%n%%', '{{password}}', '$(id)`id`', '#not a comment', 'x'.repeat(1000), "'".repeat(1000),
  ];
  const chosen = sample(fixed, shareOf(fixed.length), 'passwords', (password) => WORST.includes(password));
  return [...new Set([...chosen, ...generatedOnes])].filter((password) => !password.includes('$$'));
}

/** A long value by its beginning and length, for titles and messages. */
export function shown(value: string): string {
  return value.length > 60 ? `${JSON.stringify(value.slice(0, 40))}… (${value.length} characters)` : JSON.stringify(value);
}
