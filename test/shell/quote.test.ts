import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quote } from '../../src/lib/shell-word.js';
import { joinScripts, NOTHING, sh } from '../../src/shell/quote.js';
import { feed, inEveryShell, SHELLS } from '../support/shells.js';

describe('quote', () => {
  it.each([
    { value: 'plain', word: 'plain' },
    { value: '/etc/hosts', word: '/etc/hosts' },
    { value: 'a@b:c,d%e+f_g-h', word: 'a@b:c,d%e+f_g-h' },
    { value: '', word: "''" },
    { value: 'two words', word: "'two words'" },
    { value: '~', word: "'~'" },
    { value: 'a=b', word: "'a=b'" },
    { value: '$(reboot)', word: "'$(reboot)'" },
    { value: "it's", word: "'it'\\''s'" },
    { value: "'", word: "''\\'''" },
    { value: 'line\nline', word: "'line\nline'" },
    { value: 'é', word: "'é'" },
    { value: 0, word: '0' },
    { value: -1.5, word: '-1.5' },
  ])('makes $word of $value', ({ value, word }) => expect(quote(value)).toBe(word));

  it('refuses what no shell word can contain', () => {
    expect(() => quote('a\0b')).toThrow(RangeError);
    expect(() => sh`echo ${'\0'}`).toThrow(/NUL/u);
    expect(() => sh`echo ${['a', '\0']}`).toThrow(/NUL/u);
  });

  inEveryShell(SHELLS, (shell) => {
    it('is understood by every shell', async () => {
      const whole = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', ''));
      const hostile = fc
        .array(
          fc.constantFrom("'", '"', '\\', '$', '`', '\n', '\r', '\t', '!', '*', '~', '-', '#', ' ', ';', '&', '%', '\u001b', '\u{1f600}'),
        )
        .map((letters) => letters.join(''));
      const many = fc.array(fc.oneof(whole, hostile), { minLength: 60, maxLength: 120 });
      await fc.assert(
        fc.asyncProperty(many, async (values) => {
          const script = joinScripts(values.map((value) => sh`printf %s ${value} | od -An -v -tx1 | tr -d ' \n'; echo`));
          const fast = joinScripts(values.map((value) => sh`printf '%s\n\001\n' ${value}`));
          const { out, err } = await feed(shell, `LC_ALL=C\n${fast.text}\n`);
          expect(err).toBe('');
          const expected = Buffer.concat(values.map((value) => Buffer.from(`${value}\n\u0001\n`)));
          if (out.equals(expected)) return;
          // A slower script tells which of the many values it was.
          const lines = (await feed(shell, `${script.text}\n`)).out.toString().split('\n').slice(0, -1);
          expect(lines.map((line) => Buffer.from(line, 'hex').toString())).toEqual(values);
        }),
        { numRuns: 12 },
      );
    });

    it('makes words of arrays, one for each item', async () => {
      const words = ['a b', '', "c'd", '*', '-n', 7];
      const { out } = await feed(
        shell,
        sh`set -- ${words}
echo "$#"
printf '<%s>' "$@"`.text,
      );
      expect(out.toString()).toBe("6\n<a b><><c'd><*><-n><7>");
    });
  });
});

describe('sh', () => {
  it.each([
    { title: 'a string', script: sh`echo ${'a b'}`, text: "echo 'a b'" },
    { title: 'a number', script: sh`sleep ${1.5}`, text: 'sleep 1.5' },
    { title: 'an array', script: sh`set -- ${['x', 'y z', 3]}`, text: "set -- x 'y z' 3" },
    { title: 'an empty array', script: sh`set -- ${[]}`, text: 'set -- ' },
    { title: 'a script', script: sh`( ${sh`echo ${'$x'}`} )`, text: "( echo '$x' )" },
    { title: 'back-slashes as written', script: sh`printf '\n\t' ${'\\'}`, text: "printf '\\n\\t' '\\'" },
    { title: 'nothing', script: NOTHING, text: ':' },
  ])('quotes $title', ({ script, text }) => {
    expect(script.text).toBe(text);
    expect(`${script}`).toBe(text);
  });

  it.each([
    { separator: undefined, text: 'a\nb' },
    { separator: ' && ' as const, text: 'a && b' },
    { separator: ' ' as const, text: 'a b' },
  ])('joins with $separator', ({ separator, text }) => {
    expect(joinScripts([sh`a`, sh`b`], separator).text).toBe(text);
  });
});
