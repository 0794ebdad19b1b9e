import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Observation, Resource } from '../../src/resources/resource.js';
import { joinScripts, Script, sh } from '../../src/shell/quote.js';
import { rewritten } from './sections.js';

/** A directory of this machine that plays a host. */
export interface MadeUpHostOptions {
  root: string;
  /** Scripts of programs that stand in for the host's own; `$call` counts the calls of each from 1. */
  programs: Readonly<Record<string, string>>;
  /** Paths of the host that are looked for below the root, e.g. `/etc/dnf`. */
  paths?: readonly string[];
}

/** A host with programs that this machine does not have, or that would change it. */
export class MadeUpHost {
  readonly #root: string;
  readonly #paths: readonly string[];

  constructor({ root, programs, paths = [] }: MadeUpHostOptions) {
    this.#root = root;
    this.#paths = paths;
    const log = join(root, 'calls');
    mkdirSync(join(root, 'bin'), { recursive: true });
    for (const path of paths) mkdirSync(join(root, path), { recursive: true });
    for (const [name, text] of Object.entries(programs)) {
      const program = join(root, 'bin', name);
      writeFileSync(
        program,
        `#!/bin/sh\nprintf '%s\\n' "${name}\${*:+ $*}" >>${log}\ncall=$(grep -c '^${name}\\( \\|$\\)' ${log})\n${text}\n`,
      );
      chmodSync(program, 0o755);
    }
  }

  /** Where a path of the host is on this machine. */
  at(path: string): string {
    return join(this.#root, path);
  }

  /** Puts a file on the host. */
  write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content);
  }

  /**
   * The calls of these stand-ins so far, or of all but `sleep`, in their order: `dnf -y install etcd`. Who looks how far something is
   * sleeps as often as it happens.
   */
  calls(...names: readonly string[]): string[] {
    const log = join(this.#root, 'calls');
    const lines = existsSync(log)
      ? readFileSync(log, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : [];
    const program = (line: string): string => line.split(' ')[0] ?? '';
    return lines.filter((line) => (names.length === 0 ? program(line) !== 'sleep' : names.includes(program(line))));
  }

  /** A script of the host as it runs on this machine. */
  script(script: Script): Script {
    const text = this.#paths.reduce((whole, path) => whole.replaceAll(path, this.at(path)), script.text);
    return joinScripts([sh`PATH=${join(this.#root, 'bin')}:$PATH`, Script.build(text)]);
  }

  /** What the observation sees on the host. */
  observation<State>(observation: Observation<State>): Observation<State> {
    return rewritten(observation, (script) => this.script(script));
  }

  /** The resource as it is on the host. */
  resource<State>(resource: Resource<State>): Resource<State> {
    return {
      ...this.observation(resource),
      diff: resource.diff,
      apply: (changes, state) => this.script(resource.apply(changes, state)),
      digest: resource.digest,
    };
  }
}

/** A program that gives these answers one after the other, and the last one from then on. */
export function answering(...answers: readonly { status?: number; words?: string }[]): string {
  const cases = answers.map(({ status = 0, words = '' }, index) => {
    const label = index === answers.length - 1 ? '*' : String(index + 1);
    return sh`${Script.build(label)}) printf %s ${words}; exit ${status} ;;`.text;
  });
  return ['case $call in', ...cases, 'esac'].join('\n');
}
