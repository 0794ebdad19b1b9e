import { readScope, type DcsKey, type DcsKeys } from './dcs.js';
import { answerText, digestOf, UnknownAnswer, type Resource } from './resource.js';
import { printAnswer } from './shared-question.js';
import { joinScripts, sh, type Script } from '../shell/quote.js';

/** What Patroni's store is to know of a scope whose database was replaced while all members were down. */
export interface ScopeResetOptions {
  keys: DcsKeys;
  /** The system identifier of the data that is there now. */
  identifier: string;
  /** What must hold right before anything is written. */
  unless: Script;
}

/** Keys of the store that speak of the database that was there before. */
export type FormerKeys = ReadonlyMap<string, DcsKey>;

/**
 * What Patroni notes of a database: how far its leader was (no member that is behind that may lead), who stood for failover and synchronous
 * replication, and who is there. The dynamic configuration stays.
 */
const FORMER = /^(?:status|optime\/leader|failover|sync|failsafe|members\/.*)$/u;

/** Whether a key speaks of the database that was there before; timelines do only where that was another database. */
export function isFormer(key: string, sameDatabase: boolean): boolean {
  return FORMER.test(key) || (key === 'history' && !sameDatabase);
}

/** Takes what the store knows of the former database out of a scope that nobody leads, and gives it the identifier of what is there now. */
export function scopeReset({ keys, identifier, unless }: ScopeResetOptions): Resource<FormerKeys> {
  const id = 'scope-reset';
  const isOther = (found: FormerKeys): boolean => found.get('initialize')?.value !== identifier;
  const former = (found: FormerKeys): [string, DcsKey][] => [...found].filter(([key]) => isFormer(key, !isOther(found)));
  return {
    id,
    sharedQuestions: [keys.question],
    probe: () => printAnswer(keys.question),
    parse: (answer) => {
      const text = answerText(answer);
      const found = keys.find(text);
      if (!readScope(keys, text).reachable || typeof found === 'string') throw new UnknownAnswer(id, answer);
      return found;
    },
    diff: (found) => [
      ...former(found).map(([key]) => ({ action: 'update' as const, summary: `take ${keys.show(key).path} away` })),
      ...(isOther(found)
        ? [{ action: 'update' as const, summary: `set ${keys.show('initialize').path} to system identifier ${identifier}` }]
        : []),
    ],
    // The identifier comes last: until then a run that is cut off is repeated with all of it.
    apply: (_changes, found) =>
      joinScripts([
        unless,
        ...(found.has('leader')
          ? [
              sh`echo ${`somebody still holds ${keys.show('leader').path}; run this again when that lease is over`}
exit 1`,
            ]
          : []),
        ...former(found).map(([key, { revision }]) => sh`( ${keys.remove(key, revision)} ) || exit 1`),
        ...(isOther(found)
          ? [sh`( ${keys.put('initialize', identifier, found.get('initialize')?.revision ?? keys.absent)} ) || exit 1`]
          : []),
      ]),
    digest: () => digestOf(id, identifier),
  };
}
