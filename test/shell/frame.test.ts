import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameScript, type Section } from '../../src/shell/frame.js';
import { HOLD_UNTIL_INPUT_CLOSES } from '../../src/shell/lock.js';
import { joinScripts, NOTHING, sh, type Script } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { parseChunks, runSections } from '../support/sections.js';
import { feed, HOST_SHELLS, inEveryShell, SHELLS } from '../support/shells.js';
import { patience } from '../support/patience.js';

const probe = (id: string, body: Script): Section => ({ id, body, mode: 'probe' });
const step = (id: string, body: Script): Section => ({ id, body, mode: 'step' });

const NONCE = 'pgprov-0123456789abcdef01234567';

describe('frameScript', () => {
  it('has a new nonce every time', () => {
    expect(new Set(Array.from({ length: 50 }, () => frameScript([]).nonce)).size).toBe(50);
  });

  it('puts the locked part around the sections', () => {
    const { text } = frameScript([probe('a', sh`true`)], { before: sh`take it`, afterwards: sh`hold it` });
    const at = (part: string): number => text.indexOf(part);
    expect(at('take it')).toBeLessThan(at('pgprov_mark begin a'));
    expect(at('pgprov_main </dev/null')).toBeLessThan(at('hold it'));
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each(['a b', 'a\nb', 'a\tb', '100%', 'file:/srv/Größe €', '"; exit'])('answers under the id %j', async (id) => {
      expect([...(await runSections(shell, [step(id, sh`echo did`), probe(`${id}!`, sh`echo saw`)])).answers.keys()]).toEqual([
        id,
        `${id}!`,
      ]);
    });
  });
});

describe('a script whose reader is gone', () => {
  const directory = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each([
      { unbroken: true, made: ['1', '2'] },
      { unbroken: false, made: ['1'] },
    ])('continues with the following commands, unbroken: $unbroken', async ({ unbroken, made }) => {
      const path = (name: string): string => directory.at(name);
      const sections = [
        step(
          'one',
          sh`sleep 0.2
: >${path('1')}`,
        ),
        step('two', sh`: >${path('2')}`),
        step(
          'loud',
          sh`echo loud
: >${path('loud')}`,
        ),
        step('three', sh`: >${path('3')}`),
      ];
      const { text } = frameScript(sections, { unbroken });
      // The reader takes the first frame and leaves.
      await feed('bash', `${shell} <<'END_OF_SCRIPT' 2>/dev/null | head -c 40 >/dev/null\n${text}END_OF_SCRIPT\n`);
      expect(['1', '2', 'loud', '3'].filter((name) => existsSync(path(name)))).toEqual(made);
    });
  });
});

describe('a truncated script', () => {
  const directory = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it('runs nothing, wherever it was cut', { timeout: patience(60_000) }, async () => {
      const made = directory.at('cut at');
      mkdirSync(made);
      const { text } = frameScript([step('do', sh`: >"$MADE"`)], { afterwards: HOLD_UNTIL_INPUT_CLOSES });
      const whole = Buffer.from(text);
      const last = text.lastIndexOf('pgprov_main </dev/null');
      for (let length = 0; length <= last; length += 1) writeFileSync(directory.at(`${length}`), whole.subarray(0, length));
      writeFileSync(directory.at('whole'), whole);
      // A shell starts the thousands of others, in a fraction of the time that it takes this process.
      const { err } = await feed(
        shell,
        `cd ${directory.path}
length=0
while [ "$length" -le ${last} ]; do
MADE="$PWD/cut at/$length" ${shell} <"$length" >/dev/null 2>&1
length=$((length + 1))
done
MADE="$PWD/cut at/its end" ${shell} <whole >/dev/null`,
      );
      expect({ err, ran: readdirSync(made) }).toEqual({ err: '', ran: ['its end'] });
    });

    // The last line is itself a command, and these beginnings of it are commands that run everything.
    it.each(['pgprov_main', 'pgprov_main </', 'pgprov_main </dev/null'])('runs nothing when it was cut after %j', async (last) => {
      const made = directory.at('made');
      const { text } = frameScript([step('do', sh`: >${made}`)], { afterwards: HOLD_UNTIL_INPUT_CLOSES });
      await feed(shell, text.slice(0, text.lastIndexOf('pgprov_main <') + last.length));
      expect(existsSync(made)).toBe(false);
    });
  });
});

describe('a framed script', () => {
  inEveryShell(SHELLS, (shell) => {
    it('answers section by section', async () => {
      const { answers, complete, code, order } = await runSections(shell, [
        probe('one', sh`echo one; exit 3`),
        probe('two', sh`printf two`),
        probe('three', sh`:`),
      ]);
      expect({ complete, code }).toEqual({ complete: true, code: 0 });
      expect(order).toEqual(['begin one', 'done one 3', 'begin two', 'done two 0', 'begin three', 'done three 0']);
      expect(answers.get('one')).toEqual({ status: 3, out: Buffer.from('one\n') });
      expect(answers.get('two')).toEqual({ status: 0, out: Buffer.from('two') });
      expect(answers.get('three')).toEqual({ status: 0, out: Buffer.alloc(0) });
    });

    it('survives a section without a command', async () => {
      const { complete } = await runSections(shell, [
        probe('empty', NOTHING),
        probe('none', joinScripts([])),
        step('idle', joinScripts([])),
        probe('see', sh`echo x`),
      ]);
      expect(complete).toBe(true);
    });

    it('stops at the first failing step, and still runs the questions', async () => {
      const { order, answers } = await runSections(shell, [
        step('good', sh`echo a`),
        step(
          'bad',
          sh`echo b
false
echo never`,
        ),
        step('later', sh`echo never`),
        probe('asked', sh`echo c`),
      ]);
      expect(order).toEqual(['begin good', 'done good 0', 'begin bad', 'done bad 1', 'begin asked', 'done asked 0']);
      expect(answers.get('bad')?.out.toString()).toBe('b\n');
    });

    it.each([
      { title: 'a pipe that fails at its end', body: sh`echo x | false`, status: 1 },
      { title: 'a missing command', body: sh`pgprov-no-such-command`, status: 127 },
      { title: 'an exit', body: sh`exit 9`, status: 9 },
      {
        title: 'a failure that is tested',
        body: sh`if false; then :; fi
false || :`,
        status: 0,
      },
    ])('a step with $title ends with $status', async ({ body, status }) => {
      const { answers } = await runSections(shell, [step('do', body)]);
      expect(answers.get('do')?.status).toBe(status);
    });

    it('keeps the messages of a step and drops those of a probe', async () => {
      const { answers, err } = await runSections(shell, [
        step('do', sh`echo out; echo why >&2`),
        probe('see', sh`echo out; echo noise >&2`),
      ]);
      expect(answers.get('do')?.out.toString()).toBe('out\nwhy\n');
      expect(answers.get('see')?.out.toString()).toBe('out\n');
      expect(err).toBe('noise\n');
    });

    it('gives child processes no input', async () => {
      const { answers, complete } = await runSections(shell, [step('do', sh`cat; wc -c`), probe('see', sh`cat; wc -c`)]);
      expect(answers.get('do')?.out.toString().trim()).toBe('0');
      expect(answers.get('see')?.out.toString().trim()).toBe('0');
      expect(complete).toBe(true);
    });

    it('keeps sections apart', async () => {
      const { answers } = await runSections(shell, [
        step('one', sh`x=1; cd /usr; umask 077`),
        step('two', sh`echo "[$x] $(pwd) $(umask)"`),
      ]);
      expect(answers.get('two')?.out.toString()).toBe('[] / 0022\n');
    });

    it('has a known environment', async () => {
      const { answers } = await runSections(shell, [probe('see', sh`echo "$LC_ALL $PATH [$CDPATH]"`)], {
        env: { PATH: process.env['PATH'], LC_ALL: 'de_DE.UTF-8', CDPATH: '/usr' },
      });
      expect(answers.get('see')?.out.toString()).toBe('C /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin []\n');
    });

    it('distinguishes notes from answers', async () => {
      const { answers, order } = await runSections(shell, [
        step(
          'do',
          sh`echo before
note 'waiting for you' "(2 s)"
echo after
( note deep ) >/dev/null`,
        ),
        probe('see', sh`x=$(note inside; echo value); echo "$x"`),
      ]);
      expect(answers.get('do')?.out.toString()).toBe('before\nafter\n');
      expect(answers.get('see')?.out.toString()).toBe('value\n');
      expect(order).toEqual(['begin do', 'note waiting for you (2 s)', 'note deep', 'done do 0', 'begin see', 'note inside', 'done see 0']);
    });

    it('returns any bytes', async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      const octal = [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
      const { answers } = await runSections(shell, [
        probe('all', sh`printf ${octal}`),
        probe('newlines', sh`printf '\n\n\n'`),
        probe('frames', sh`printf ${'\npgprov-000000000000000000000000 done frames 0\n\npgprov-00 end'}`),
      ]);
      expect(answers.get('all')?.out.equals(bytes)).toBe(true);
      expect(answers.get('newlines')?.out.toString()).toBe('\n\n\n');
      expect(answers.get('frames')?.out.toString()).toBe('\npgprov-000000000000000000000000 done frames 0\n\npgprov-00 end');
    });

    it('is not disturbed by the output of a profile', async () => {
      const { answers, complete } = await runSections(shell, [probe('see', sh`echo x`)], {
        edit: (text) => `echo 'Welcome!'; printf 'no newline'\n${text}`,
      });
      expect(answers.get('see')?.out.toString()).toBe('x\n');
      expect(complete).toBe(true);
    });
  });
});

describe('FrameParser', () => {
  const bytes = Buffer.concat([
    Buffer.from(`motd: ${NONCE} end\n\n${NONCE} note early\n\n${NONCE} begin a\n`),
    Buffer.from([0, 255, 10, 10]),
    Buffer.from(`pgprov-0123\n\n${NONCE} note später ✓\nmore\n${NONCE}`),
    Buffer.from(`\n\n${NONCE} done a 7\nnoise\n\n${NONCE} begin b\n\n${NONCE} done b 0\n\n${NONCE} end\nbye\n`),
  ]);
  const out = Buffer.concat([Buffer.from([0, 255, 10, 10]), Buffer.from(`pgprov-0123\nmore\n${NONCE}\n`)]);
  const expected = {
    order: ['note early', 'begin a', 'note später ✓', 'done a 7', 'begin b', 'done b 0'],
    complete: true,
    unfinished: undefined,
  };

  it('reads an answer split at every byte', () => {
    for (let at = 0; at <= bytes.length; at += 1) {
      const { answers, ...rest } = parseChunks(NONCE, [bytes.subarray(0, at), bytes.subarray(at)]);
      expect(rest).toMatchObject(expected);
      expect(answers.get('a')?.out.equals(out)).toBe(true);
    }
  });

  it('reads an answer byte by byte, and in any chunks', () => {
    const bytewise = parseChunks(
      NONCE,
      [...bytes].map((byte) => Buffer.from([byte])),
    );
    expect(bytewise).toMatchObject(expected);
    expect(bytewise.answers.get('a')?.out.equals(out)).toBe(true);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const sorted = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = sorted.slice(1).map((to, index) => bytes.subarray(sorted[index], to));
        const { answers, ...rest } = parseChunks(NONCE, chunks);
        expect(rest).toMatchObject(expected);
        expect(answers.get('a')?.out.equals(out)).toBe(true);
      }),
    );
  });

  it('is complete with the whole end frame and not before', () => {
    const end = bytes.lastIndexOf('end\n') + 'end\n'.length;
    for (let length = 0; length < end; length += 1) {
      expect(parseChunks(NONCE, [bytes.subarray(0, length)]).complete).toBe(false);
    }
    expect(parseChunks(NONCE, [bytes.subarray(0, end)]).complete).toBe(true);
  });

  it('names the section that was cut', () => {
    const cut = bytes.subarray(0, bytes.indexOf('more'));
    expect(parseChunks(NONCE, [cut])).toMatchObject({ complete: false, unfinished: 'a', notes: ['early', 'später ✓'] });
  });

  it('keeps a large answer whole', () => {
    const large = Buffer.alloc(3_000_000, 'x\n');
    const chunks: Buffer[] = [Buffer.from(`\n${NONCE} begin big\n`)];
    for (let at = 0; at < large.length; at += 65_536) chunks.push(large.subarray(at, at + 65_536));
    chunks.push(Buffer.from(`\n${NONCE} done big 0\n\n${NONCE} end\n`));
    expect(parseChunks(NONCE, chunks).answers.get('big')?.out.equals(large)).toBe(true);
  });
});
