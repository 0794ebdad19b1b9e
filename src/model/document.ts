import { Composer, isAlias, isMap, isScalar, isSeq, LineCounter, Parser } from 'yaml';
import type { Document, Pair, YAMLError, YAMLMap } from 'yaml';
import { NO_ANCHOR, yamlErrorWords } from '../lib/yaml-words.js';
import { formatPath } from './mapping.js';
import type { Path } from './mapping.js';
import type { Problem } from './problem.js';
import { aliasesOf, depthOf, isMerge, keyOf, offsetOf } from './yaml-nodes.js';

/** A place in a file, both 1-based. */
export interface Position {
  line: number;
  column: number;
}

/** Far more than thousands of hosts hold; little enough that aliases of aliases cannot exhaust memory. */
const MOST_VALUES = 200_000;

/** Real inventories are six levels deep. */
const DEEPEST = 50;

const TOO_DEEP = 'is nested too deeply';
const SEVERAL_DOCUMENTS = 'holds more than one YAML document; keep one cluster in one file';
const TOO_MUCH = 'holds too much, counting what aliases repeat';
const NO_NUL = 'must not hold a NUL character';
const NO_HALF = 'must not hold half of a surrogate pair, which is no character';

/** What makes a text one that no file and no shell can hold; YAML can write both with `\\u`. */
function unholdable(text: string): string | undefined {
  if (text.includes('\0')) return NO_NUL;
  return /\p{Surrogate}/u.test(text) ? NO_HALF : undefined;
}

/** A parsed YAML file: its data, and where each piece of it stands. */
export class SourceDocument {
  readonly file: string;
  /** The whole file as plain data; undefined when it cannot be read as such. */
  readonly value: unknown;
  /** Syntax errors, duplicate keys, and what YAML can say but an inventory cannot. */
  readonly problems: readonly Problem[];
  readonly #yaml: Document;
  readonly #lines: LineCounter;
  readonly #pairs = new Map<YAMLMap, ReadonlyMap<string, Pair>>();
  readonly #aliases: ReadonlyMap<unknown, unknown>;

  private constructor(file: string, yaml: Document, lines: LineCounter, failure?: string) {
    this.file = file;
    this.#yaml = yaml;
    this.#lines = lines;
    const syntax = [...yaml.errors, ...yaml.warnings].map((error) => this.#syntaxProblem(error));
    if (failure !== undefined) syntax.push(this.#problem(0, [], failure));
    const reading: Reading = { problems: syntax, complete: true, values: 0, open: new Set() };
    this.#aliases = aliasesOf(yaml);
    if (syntax.length === 0) {
      reading.problems.push(...this.#structureProblems(yaml.contents, []));
      const value = this.#read(yaml.contents, [], reading);
      if (reading.complete) this.value = value;
    }
    this.problems = reading.problems;
  }

  /** Never throws; what is wrong is in `problems`. */
  static parse(file: string, text: string): SourceDocument {
    const lines = new LineCounter();
    const tokens = [...new Parser(lines.addNewLine).parse(text)];
    const depth = depthOf(tokens);
    const composer = new Composer({ schema: 'core', merge: true, stringKeys: true, uniqueKeys: false, logLevel: 'error' });
    const [yaml, second] = composer.compose(depth > DEEPEST ? [] : tokens, true, text.length);
    if (yaml === undefined) throw new TypeError('the composer makes a document even of nothing');
    if (depth > DEEPEST) return new SourceDocument(file, yaml, lines, TOO_DEEP);
    return new SourceDocument(file, yaml, lines, second === undefined ? undefined : SEVERAL_DOCUMENTS);
  }

  /** Where the key or the value at `path` stands; for a path that is not there, where its nearest parent does. */
  position(path: Path, at: 'key' | 'value' = 'value'): Position {
    let node: unknown = this.#yaml.contents;
    let offset = offsetOf(node) ?? 0;
    for (const [index, step] of path.entries()) {
      const next = this.#child(node, step);
      if (next === undefined) break;
      const wantsKey = at === 'key' || index < path.length - 1;
      const key = offsetOf(next.key);
      offset = (wantsKey ? key : offsetOf(next.value)) ?? key ?? offset;
      node = next.value;
    }
    return this.#at(offset);
  }

  /** Keys of the mapping at `path` in the order of the file, which plain objects do not keep for keys like `10`. */
  keys(path: Path): string[] {
    let node: unknown = this.#yaml.contents;
    for (const step of path) node = this.#child(node, step)?.value;
    return [...new Set(this.#keysOf(this.#resolve(node)))];
  }

  #keysOf(node: unknown): string[] {
    if (!isMap(node)) return [];
    return node.items.flatMap((pair) => (isMerge(pair) ? this.#merged(pair).flatMap((map) => this.#keysOf(map)) : [keyOf(pair)]));
  }

  #at(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  #resolve(node: unknown): unknown {
    return isAlias(node) ? this.#aliases.get(node) : node;
  }

  /** The pairs of a mapping by key; kept, because every value of every host asks for its position. */
  #pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    let pairs = this.#pairs.get(map);
    if (pairs === undefined) {
      pairs = new Map(map.items.filter((pair) => !isMerge(pair)).map((pair) => [keyOf(pair), pair]));
      this.#pairs.set(map, pairs);
    }
    return pairs;
  }

  /** The mappings that a `<<` pair brings in. */
  #merged(pair: Pair): YAMLMap[] {
    const source = this.#resolve(pair.value);
    const maps = isSeq(source) ? source.items.map((item) => this.#resolve(item)) : [source];
    return maps.filter((map) => isMap(map));
  }

  #child(parent: unknown, step: string | number): { key: unknown; value: unknown } | undefined {
    const node = this.#resolve(parent);
    if (isSeq(node)) {
      const item = node.items[Number(step)];
      return item === undefined ? undefined : { key: item, value: item };
    }
    if (!isMap(node)) return undefined;
    const pair = this.#pairsOf(node).get(String(step));
    if (pair !== undefined) return { key: pair.key, value: pair.value };
    for (const map of node.items.filter(isMerge).flatMap((merge) => this.#merged(merge))) {
      const found = this.#child(map, step);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #problem(offset: number, path: Path, message: string): Problem {
    return { message, file: this.file, path: formatPath(path), ...this.#at(offset) };
  }

  #syntaxProblem(error: YAMLError): Problem {
    if (error.code === 'NON_STRING_KEY') return this.#problem(error.pos[0], [], 'a key must be a single word or text');
    return this.#problem(error.pos[0], [], `not valid YAML: ${yamlErrorWords(error)}`);
  }

  #structureProblems(node: unknown, path: Path): Problem[] {
    if (path.length > DEEPEST) return [this.#problem(offsetOf(node) ?? 0, [], TOO_DEEP)];
    if (isSeq(node)) return node.items.flatMap((item, index) => this.#structureProblems(item, [...path, index]));
    if (!isMap(node)) return [];
    const seen = new Map<string, number>();
    return node.items.flatMap((pair) => {
      const key = keyOf(pair);
      const offset = offsetOf(pair.key) ?? 0;
      const inner = this.#structureProblems(pair.value, [...path, key]);
      if (isMerge(pair)) {
        const fine = this.#merged(pair).length > 0;
        return fine ? inner : [this.#problem(offset, [...path, key], 'must be an alias of a mapping, or a list of them')];
      }
      const first = seen.get(key);
      if (first === undefined) {
        seen.set(key, offset);
        return inner;
      }
      const message = `duplicate key; it is already on line ${this.#at(first).line}`;
      return [this.#problem(offset, [...path, key], message), ...inner];
    });
  }

  /** The node as plain data; what cannot be data is reported and becomes null. */
  #read(node: unknown, path: Path, reading: Reading): unknown {
    const target = this.#resolve(node);
    if (isAlias(node) && target === undefined) return this.#fail(node, path, NO_ANCHOR, reading);
    if (!isScalar(target)) return this.#readCollection(node, path, reading, () => this.#readItems(target, path, reading));
    reading.values += 1;
    const wrong = typeof target.value === 'string' ? unholdable(target.value) : undefined;
    if (wrong !== undefined) reading.problems.push(this.#problem(offsetOf(node) ?? 0, path, wrong));
    return target.value;
  }

  /** Guards against aliases that make endless, or nearly endless, data. */
  #readCollection<T>(node: unknown, path: Path, reading: Reading, read: () => T): T | null {
    const target = this.#resolve(node);
    reading.values += 1;
    if (reading.values > MOST_VALUES) return reading.complete ? this.#fail(node, path, TOO_MUCH, reading) : null;
    if (reading.open.has(target)) return this.#fail(node, path, 'holds itself through an alias', reading);
    if (path.length > DEEPEST || reading.open.size > DEEPEST) return this.#fail(node, path, TOO_DEEP, reading);
    reading.open.add(target);
    const data = read();
    reading.open.delete(target);
    return data;
  }

  #fail(node: unknown, path: Path, message: string, reading: Reading): null {
    reading.problems.push(this.#problem(offsetOf(node) ?? 0, path, message));
    reading.complete = false;
    return null;
  }

  #readItems(node: unknown, path: Path, reading: Reading): unknown {
    if (isSeq(node)) return node.items.map((item, index) => this.#read(item, [...path, index], reading));
    return isMap(node) ? Object.fromEntries(this.#readMap(node, path, reading)) : null;
  }

  /** Own keys win over those that `<<` brings in, earlier sources over later ones. */
  #readMap(node: YAMLMap, path: Path, reading: Reading): Map<string, unknown> {
    const entries = new Map<string, unknown>();
    for (const pair of node.items.filter((candidate) => !isMerge(candidate))) {
      const key = keyOf(pair);
      const wrong = unholdable(key);
      if (wrong !== undefined) reading.problems.push(this.#problem(offsetOf(pair.key) ?? 0, path, `a key ${wrong}`));
      entries.set(key, this.#read(pair.value, [...path, key], reading));
    }
    for (const map of node.items.filter(isMerge).flatMap((pair) => this.#merged(pair))) {
      const merged = this.#readCollection(map, path, reading, () => this.#readMap(map, path, reading));
      for (const [key, value] of merged ?? []) if (!entries.has(key)) entries.set(key, value);
    }
    return entries;
  }
}

/** What is known while a document becomes data. */
interface Reading {
  problems: Problem[];
  /** Whether everything could be read; the rest alone would only raise more questions. */
  complete: boolean;
  /** Values read so far, each repetition by an alias counted. */
  values: number;
  /** The collections that are being read: one of these inside itself would never end. */
  open: Set<unknown>;
}
