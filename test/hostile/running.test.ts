import { describe, expect, it } from 'vitest';
import { DEPTH, sampleFor } from '../support/depth.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';
import { Script } from '../../src/shell/quote.js';
import { sharedDirectory } from '../support/directory.js';
import { sameWord } from './support/encodings.js';
import { PLACES } from './support/places.js';
import { RecordingShell, type Call } from './support/recording-shell.js';
import { shown } from './support/values.js';
import { variantsOf, type Variant } from './support/variants.js';
import { patience } from '../support/patience.js';

/** Values tried in each place. */
const VALUES = 3;

/** What a shell says when a piece of a value became a word, or broke a script. */
const BROKEN = /not found|[Ss]yntax error|[Bb]ad substitution|[Uu]nterminated|unexpected|ambiguous|Bad fd|Arg(?:ument)? list too long/u;

/** Whether a call is what another becomes with the hostile value in it. */
function isSame(hostile: Call, benign: Call, value: string, plain: string): boolean {
  if (hostile.name !== benign.name || hostile.words.length !== benign.words.length) return false;
  // What follows the first word of these is a text, in which values are written in the way of its format.
  const words = hostile.name === 'content' || hostile.name === 'input' ? hostile.words.slice(0, 1) : hostile.words;
  return words.every((word, index) => sameWord(readable(word), readable(benign.words[index] ?? ''), value, plain));
}

/** A word as it is, or the prefix that a range of etcd's keys was made from. */
function readable(word: string): string {
  const key = /^\{"key":"(?<key>[^"]+)","range_end":"[^"]+"\}$/u.exec(word)?.groups?.['key'];
  return key === undefined ? word : Buffer.from(key, 'base64').toString('utf8');
}

function told(calls: readonly Call[]): string {
  return calls.map(({ name, words }) => [name, ...words].map(shown).join(' ')).join('\n');
}

/** The same calls, each with the value where it belongs; commands of a pipeline come in any order. */
function expectSame(hostile: readonly Call[], benign: readonly Call[], { value, plain, hostile: { role, id } }: Variant): void {
  const left = [...hostile];
  const missed = benign.filter((call) => {
    const at = left.findIndex((other) => isSame(other, call, value, plain));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  const difference = missed.length + left.length === 0 ? '' : `with ${shown(value)}:\n${told(left)}\nwith ${plain}:\n${told(missed)}`;
  expect(difference, `${role} ${shown(id)}`).toBe('');
}

/** Addresses all go the way of `cluster_address`, and settings of SSH reach no script. */
const REACHING = PLACES.map((place, salt) => ({ place, salt, name: place.name })).filter(
  ({ name }) => !/^ssh\.|in short$|^hosts\.<name>\.address$/u.test(name),
);

describe(`scripts with hostile values (${DEPTH})`, () => {
  const root = sharedDirectory();
  /** Built once for both shells, which both take all places in the matrix. */
  const built = PLACES.map(() => undefined as ReturnType<typeof variantsOf> | undefined);
  inEveryShell(HOST_SHELLS, (shell) => {
    it.each([
      { title: 'a value that is run', text: 'ls $(: >"$CANARY")', sang: true, calls: [['ls']] },
      { title: 'a value that is split', text: 'ls a b', sang: false, calls: [['ls', 'a', 'b']] },
      { title: 'a value that is a command', text: 'hostile word; ls', sang: false, calls: [['ls']] },
    ])('are watched by a shell that would notice $title', async ({ title, text, sang, calls }) => {
      const recorder = new RecordingShell(root.at(`${shell}-${title.replaceAll(' ', '-')}`));
      const recorded = await recorder.run(
        shell,
        [{ role: '', system: '', host: '', id: 'see', script: Script.build(text), step: false }],
        0,
      );
      expect(recorder.sang).toBe(sang);
      expect(recorded.calls[0]?.map(({ name, words }) => [name, ...words])).toEqual(calls);
      expect(BROKEN.test(recorded.words)).toBe(text.startsWith('hostile'));
    });

    it.each(sampleFor(shell, HOST_SHELLS, REACHING, 8, 'running'))(
      'do the same with a hostile $name as with a plain one',
      { timeout: patience(120_000) },
      async ({ place, salt }) => {
        const { variants } = await (built[salt] ??= variantsOf(place, salt, VALUES));
        if (variants.length === 0) return;
        const recorder = new RecordingShell(root.at(`${shell}-${salt}`));
        const scripts = variants.flatMap((variant) => [variant.hostile, variant.benign]);
        // Every program succeeds in one of the shells, and none in the other.
        const { calls, words } = await recorder.run(shell, scripts, (salt + HOST_SHELLS.indexOf(shell as 'dash')) % 2 === 0 ? 0 : 1);
        variants.forEach((variant, index) => expectSame(calls[2 * index] ?? [], calls[2 * index + 1] ?? [], variant));
        expect(words.split('\n').filter((line) => BROKEN.test(line))).toEqual([]);
        expect(recorder.sang).toBe(false);
      },
    );
  });
});
