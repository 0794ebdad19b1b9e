import { joinScripts, NOTHING, sh, type Script } from '../shell/quote.js';
import { findStored, type DcsKeys } from './dcs.js';
import type { JsonObject } from './dynamic-config.js';
import { answerText, digestOf, UnknownAnswer, type Change, type Resource } from './resource.js';
import { printAnswer } from './shared-question.js';

/** What Patroni's store has of a scope that it knew before. */
export interface ScopeIdentityState {
  initialize: string;
  /** The revision of the key `initialize`; that of an absent key where it is not there. */
  revision: string;
  hasConfig: boolean;
  /** Names of all keys that the scope has. */
  names: readonly string[];
}

/** The identity that a scope gets back. */
export interface ScopeIdentityOptions {
  keys: DcsKeys;
  /** The system identifier of the data that is there. */
  identifier: string;
  /** The dynamic configuration for a scope that has none, and where it is from: `patroni.dynamic.json of pg2`. */
  config: JsonObject;
  from: string;
  /** Further keys for a scope without `config`, by their names. */
  more?: ReadonlyMap<string, string>;
  /** What must hold right before anything is written. */
  unless?: Script;
}

/**
 * The keys by which Patroni takes data for its own cluster's: `config` where there is none, and then `initialize`. Without `initialize` the first
 * member that comes up would give the scope its own, whatever data it has. None is written over one that is there, and as `config` comes after
 * what else there is, one that is cut off is resumed.
 */
export function scopeIdentity({
  keys,
  identifier,
  config,
  from,
  more = new Map(),
  unless = NOTHING,
}: ScopeIdentityOptions): Resource<ScopeIdentityState> {
  const id = 'scope-identity';
  return {
    id,
    sharedQuestions: [keys.question],
    probe: () => printAnswer(keys.question),
    parse: (answer) => {
      const stored = findStored(keys, answerText(answer));
      if (stored === undefined) throw new UnknownAnswer(id, answer);
      const { found } = stored;
      const mark = found.get('initialize');
      return {
        initialize: mark?.value ?? '',
        revision: mark?.revision ?? keys.absent,
        hasConfig: found.has('config'),
        names: [...found.keys()],
      };
    },
    diff: ({ initialize, hasConfig, names }): Change[] => [
      ...(hasConfig ? [] : [...more.keys()])
        .filter((name) => !names.includes(name))
        .map((name) => ({ action: 'create' as const, summary: `put ${keys.show(name).path} back, from ${from}` })),
      ...(hasConfig ? [] : [{ action: 'create' as const, summary: `put ${keys.show('config').path} back, from ${from}` }]),
      ...(initialize !== ''
        ? []
        : [{ action: 'create' as const, summary: `put ${keys.show('initialize').path} back: system identifier ${identifier}` }]),
    ],
    apply: (_changes, { initialize, revision, hasConfig, names }) =>
      joinScripts([
        unless,
        ...(hasConfig ? [] : [...more])
          .filter(([name]) => !names.includes(name))
          .map(([name, value]) => sh`( ${keys.put(name, value, keys.absent)} ) || exit 1`),
        hasConfig ? NOTHING : sh`( ${keys.put('config', JSON.stringify(config), keys.absent)} ) || exit 1`,
        initialize !== '' ? NOTHING : sh`( ${keys.put('initialize', identifier, revision)} ) || exit 1`,
      ]),
    digest: () => digestOf(id, identifier),
  };
}
