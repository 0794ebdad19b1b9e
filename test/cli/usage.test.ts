import { CommanderError, type Command, type Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/main.js';
import { timeSpan } from '../../src/cli/option-values.js';
import { calledCommand, usageError } from '../../src/cli/usage-error.js';
import { InputError } from '../../src/lib/errors.js';
import { displayWidth } from '../../src/report/width.js';

const program = (words: readonly string[] = []): Command => buildProgram(() => undefined, words);

/** All commands, with those that they group. */
function allCommands(command: Command = program()): Command[] {
  return [command, ...command.commands.flatMap((below) => allCommands(below))];
}

/** What a person is told of a line that cannot be used. */
async function errorOf(words: readonly string[]): Promise<InputError> {
  const all = program(words);
  const thrown: unknown = await all.parseAsync([...words], { from: 'user' }).catch((error: unknown) => error);
  if (thrown instanceof InputError) return thrown;
  expect(thrown).toBeInstanceOf(CommanderError);
  return usageError(thrown as CommanderError, calledCommand(all, words));
}

describe('an invalid command line', () => {
  it.each<{ words: string[]; message: string; hint: string }>([
    { words: ['statu', 'x.yml'], message: "unknown command 'statu'", hint: 'did you mean status?' },
    { words: ['status', '--wach', 'x.yml'], message: "unknown option '--wach'", hint: 'did you mean --watch?' },
    { words: ['config', 'edit', '--since'], message: "unknown option '--since'", hint: '`pgprov config edit --help` shows what it takes' },
    { words: ['secrets', 'set'], message: "missing required argument 'name'", hint: '`pgprov secrets set --help` shows what it takes' },
    {
      words: ['status', '--until', 'helthy', 'x.yml'],
      message: '--until "helthy" is none of its values',
      hint: 'did you mean healthy? the only value is healthy',
    },
    {
      words: ['restart', '--service', 'ectd', 'x.yml'],
      message: '--service "ectd" is none of its values',
      hint: 'did you mean etcd? the values are postgresql, patroni, etcd, consul',
    },
    { words: ['completion', 'tcsh'], message: '<shell> "tcsh" is none of its values', hint: 'the values are bash, zsh, fish' },
    { words: ['logs', '--since', 'abc', 'x.yml'], message: '--since "abc" is no time', hint: 'give one such as 30s, 10m, 2h or 1d' },
    { words: ['status', '--interval', '100ms', 'x.yml'], message: '--interval "100ms" is too short', hint: 'give 0.5 s or more' },
    {
      words: ['readdress', '--give-up', '--check', 'x.yml'],
      message: "option '--give-up' cannot be used with option '--check'",
      hint: '`pgprov readdress --help` shows what it takes',
    },
    {
      words: ['failover', '--lose', 'all', 'x.yml'],
      message: '--lose "all" is no number that it takes',
      hint: 'give a whole number from 1 on',
    },
    {
      words: ['certs', 'status', '--within', '-1', 'x.yml'],
      message: '--within "-1" is no number that it takes',
      hint: 'give a number of days, such as 30',
    },
    {
      words: ['switchover', '--at', 'tomorrow', 'x.yml'],
      message: '--at "tomorrow" cannot be read',
      hint: 'give a time with its zone, such as 2026-03-04T22:00+01:00, or one from now on, such as +30m',
    },
  ])('$words: says $message', async ({ words, message, hint }) => {
    const error = await errorOf(words);
    expect({ message: error.message, hint: error.hint, exitCode: error.exitCode }).toEqual({ message, hint, exitCode: 2 });
  });

  it.each<[words: string, hint: string]>([
    ['apply -l pg1 x.yml', 'that is --host here: names, or patterns such as pg*; --group takes groups'],
    ['apply --limit=pg1 x.yml', 'that is --host here: names, or patterns such as pg*; --group takes groups'],
    ['--limit pg1 plan x.yml', 'that is --host here: names, or patterns such as pg*; --group takes groups'],
    ['show --limit pg1', 'that is --host here: names, or patterns such as pg*'],
    ['status --limit pg1', 'this command takes all hosts of the inventory'],
    ['plan --tags etcd', 'that is --role here: the names that `pgprov roles` lists'],
    ['plan -t etcd', 'that is --role here: the names that `pgprov roles` lists'],
    ['diff --skip-tags etcd', 'that is --skip-role here: the names that `pgprov roles` lists'],
    ['apply --dry-run', 'that is --check here'],
    ['switchover -C', 'that is --check here'],
    [
      'restore --give-up',
      'that is --undo here: what was there is out of its place, and that brings it back; where it is unfinished itself, the same command goes on with it',
    ],
    [
      'clone --give-up x.yml --into y.yml',
      'that is --undo here: what was there is out of its place, and that brings it back; where it is unfinished itself, the same command goes on with it',
    ],
    ['status --dry-run', '`pgprov plan inventory.yml` shows what apply would change, and changes nothing'],
    [
      'apply -i hosts.yml',
      'name the inventory without an option, as in `pgprov plan inventory.yml`; that file is taken where none is named',
    ],
    [
      '-i hosts.yml apply',
      'name the inventory without an option, as in `pgprov plan inventory.yml`; that file is taken where none is named',
    ],
    ['apply -e postgresql.port=5433', 'that is --set here: as in --set postgresql.port=5433 or --set ssh.user=admin'],
    ['apply --auto-approve', 'that is --yes here'],
  ])('names the option that stands for one of another program: %s', async (words, hint) => {
    const error = await errorOf(words.split(' '));
    expect([error.kind, error.hint, error.exitCode]).toEqual(['cli/unknown-option', hint, 2]);
  });

  it.each(['-v', '-vvv', '--verbose'])('says where more is told, for %s', async (flag) => {
    expect((await errorOf(['apply', flag])).hint).toContain('pgprov runs show inventory.yml last');
  });

  it('has one of our errors for every option that restricts its values', () => {
    const particular = allCommands().flatMap((command) => command.options.flatMap((option) => rejection(option)));
    expect(particular.length).toBeGreaterThan(15);
    for (const { option, thrown } of particular) {
      expect(thrown, option.flags).toBeInstanceOf(InputError);
      expect((thrown as InputError).message).toContain(option.long);
    }
  });
});

/** What is thrown for a value that nobody means; nothing for an option that takes it. */
function rejection(option: Option): { option: Option; thrown: unknown }[] {
  try {
    option.parseArg?.('?!', undefined as never);
    return [];
  } catch (thrown) {
    return [{ option, thrown }];
  }
}

describe('a time', () => {
  it.each([
    ['90', 90_000],
    ['90s', 90_000],
    ['1.5m', 90_000],
    ['250ms', 250],
    ['10m', 600_000],
    ['2 min', 120_000],
    [' 2h ', 7_200_000],
    ['1d', 86_400_000],
  ])('reads %s', (text, ms) => expect(timeSpan('--since')(text)).toBe(ms));

  it.each(['', 'x', '10 parsecs', '-5', 'constructor'])('refuses %j', (text) =>
    expect(() => timeSpan('--since')(text)).toThrow('is no time'),
  );
});

describe('piped help', () => {
  it.each(allCommands().map((command) => [command.name(), command] as const))(
    'of %s has no line of more than 80 columns',
    (_name, command) => {
      let text = '';
      command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => undefined as never });
      command.outputHelp();
      expect(text.split('\n').filter((line) => displayWidth(line) > 80)).toEqual([]);
    },
  );
});
