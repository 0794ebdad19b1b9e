import type { Argument, Command, Option } from 'commander';

/** A command line under way, as far as the program understands it. */
export interface CommandLine {
  /** The command that the words lead to. */
  command: Command;
  /** The word to complete, or the part of it that is the value of an option. */
  word: string;
  /** What stands in front of that part: `--host=`. */
  prefix: string;
  /** The option whose value the word is. */
  option?: Option;
  /** The value may be left out, so that the word may be something else as well. */
  isOptional: boolean;
  /** The argument that the word is; undefined after the last one. */
  argument?: Argument;
  /** Nothing but arguments come after `--`. */
  onlyArguments: boolean;
  /** Nothing was said after the command yet, so a subcommand may come. */
  mayDescend: boolean;
  /** All words that are arguments or values of options, also those behind the one to complete, by what they are. */
  given: ReadonlyMap<Argument | Option, readonly string[]>;
}

/**
 * Reads a command line as the program would, up to the word at `at`, and notes what the words behind it say.
 * @param words without the program's own name
 */
export function readLine(program: Command, words: readonly string[], at: number): CommandLine {
  const reader = new Reader(program);
  for (const word of words.slice(0, at)) reader.take(word);
  const line = reader.next(words[at] ?? '');
  for (const word of words.slice(at)) reader.take(word);
  return line;
}

class Reader {
  #command: Command;
  #pending: Option | undefined;
  #onlyArguments = false;
  #count = 0;
  readonly #given = new Map<Argument | Option, string[]>();

  constructor(program: Command) {
    this.#command = program;
  }

  take(word: string): void {
    const option = this.#pending;
    this.#pending = undefined;
    if (option !== undefined && (option.required || !word.startsWith('-'))) this.#note(option, word);
    else if (this.#onlyArguments) this.#argue(word);
    else if (word === '--') this.#onlyArguments = true;
    else if (word.startsWith('-')) this.#opt(word);
    else this.#argue(word);
  }

  /** What a word would be if it came now. */
  next(word: string): CommandLine {
    const [, flag = '', value = ''] = this.#onlyArguments ? [] : (/^(--[^=]+)=(.*)$/su.exec(word) ?? []);
    const glued = flag === '' ? undefined : this.#find(flag);
    const option = this.#pending ?? glued;
    const argument = this.#argument();
    return {
      command: this.#command,
      word: glued === undefined ? word : value,
      prefix: glued === undefined ? '' : `${flag}=`,
      ...(option === undefined ? {} : { option }),
      isOptional: this.#pending?.optional === true,
      ...(argument === undefined ? {} : { argument }),
      onlyArguments: this.#onlyArguments,
      mayDescend: this.#count === 0,
      given: this.#given,
    };
  }

  #opt(word: string): void {
    const [, flag = word, value] = /^(--[^=]+)=(.*)$/su.exec(word) ?? [];
    const option = this.#find(flag);
    if (option === undefined || (!option.required && !option.optional)) return;
    if (value === undefined) this.#pending = option;
    else this.#note(option, value);
  }

  #argue(word: string): void {
    const subcommand = this.#count === 0 ? this.#command.commands.find((command) => command.name() === word) : undefined;
    if (subcommand !== undefined) {
      this.#command = subcommand;
      return;
    }
    const argument = this.#argument();
    if (argument !== undefined) this.#note(argument, word);
    this.#count += 1;
  }

  #argument(): Argument | undefined {
    const all = this.#command.registeredArguments;
    return all[this.#count] ?? (all.at(-1)?.variadic === true ? all.at(-1) : undefined);
  }

  #note(what: Argument | Option, word: string): void {
    this.#given.set(what, [...(this.#given.get(what) ?? []), word]);
  }

  #find(flag: string): Option | undefined {
    return optionsOf(this.#command).find(({ long, short }) => long === flag || short === flag);
  }
}

/** The options of a command and of those above it, without those that are not shown. */
export function optionsOf(command: Command): Option[] {
  const above = command.parent === null ? [] : optionsOf(command.parent);
  const visible = command.createHelp().visibleOptions(command);
  return [...visible, ...above.filter((option) => visible.every(({ long }) => long !== option.long))];
}
