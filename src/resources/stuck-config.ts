import { joinScripts, sh } from '../shell/quote.js';
import { findStored, type DcsKeys } from './dcs.js';
import { compareConfig, isMalformed, mergePatch, type JsonObject } from './dynamic-config.js';
import { describeChanges, patroniConfig, type PatroniConfigOptions, type PatroniConfigState } from './patroni/config.js';
import { patroniSilent } from './patroni/silent.js';
import { patroniQuestion, readMember, type ClusterMember } from './patroni/member.js';
import { answerText, type Change, type Resource } from './resource.js';
import { handle, type Handle } from './handle.js';
import { printAnswer } from './shared-question.js';

/** Patroni's dynamic configuration, which may be what the cluster is stuck on. */
export interface StuckConfigState {
  /** Not all members work, or nobody leads, or Patroni cannot read a section; where Patroni does not answer, that nobody leads. */
  stuck: boolean;
  /** A section of the configuration holds something else than settings, which stops the loop of every Patroni. */
  malformed: boolean;
  /** As Patroni gives it. */
  rest: PatroniConfigState;
  /** As it stands in the store, where this host's Patroni does not answer, the cluster exists and nobody leads it. */
  stored: { current: JsonObject; revision: string } | undefined;
}

/** Who is asked, and whom the cluster is to have. */
export interface StuckConfigOptions extends PatroniConfigOptions {
  members: readonly { name: string; url: string }[];
  /** What Patroni keeps in its store. */
  keys: DcsKeys;
}

/** What is seen of what is brought about while the cluster is stuck. */
export function stuckConfigHandle(scope: string): Handle<StuckConfigState> {
  return handle(`patroni-config:${scope}:stuck`);
}

/**
 * The dynamic configuration of `patroniConfig`, brought about while the cluster is stuck (`when: 'stuck'`), or only while it is not
 * (`'well'`). A configuration that keeps members from working has to be corrected before anything waits for them; every other change
 * of it comes after, because a cluster that does not exist yet takes its first configuration from its bootstrap.
 *
 * Where no Patroni answers it is corrected in the store, in the key that Patroni keeps it in. Patroni must not answer on any member then:
 * with PostgreSQL down on all of them, the first that comes up would take the lead (see `patroniHalted`).
 */
export function stuckConfig(options: StuckConfigOptions, when: 'stuck' | 'well'): Resource<StuckConfigState> {
  const { url, members, keys, desired } = options;
  const configuration = patroniConfig(options);
  const member = patroniQuestion(url);
  return {
    id: when === 'well' ? configuration.id : stuckConfigHandle(options.scope).id,
    sharedQuestions: [...(configuration.sharedQuestions ?? []), member, keys.question],
    probe: () =>
      joinScripts([
        configuration.probe(),
        printAnswer(member),
        sh`echo
${printAnswer(keys.question)}`,
      ]),
    parse: (answer) => {
      const text = answerText(answer);
      const rest = configuration.parse(answer);
      const seen = readMember(text, url);
      const stored = rest.answers ? undefined : readStored(keys, text);
      const current = rest.answers ? rest.current : stored?.current;
      const malformed = current !== undefined && isMalformed(current, desired);
      const works =
        seen.answers &&
        haveLeader(
          seen.cluster,
          members.map(({ name }) => name),
        );
      return { stuck: rest.answers ? malformed || !works : stored !== undefined, malformed, rest, stored };
    },
    diff: ({ stuck, rest, stored }): Change[] => {
      if (stuck !== (when === 'stuck')) return [];
      return stored === undefined ? configuration.diff(rest) : describeChanges(stored.current, desired);
    },
    apply: (changes, { rest, stored }) => {
      if (stored === undefined) return configuration.apply(changes, rest);
      const value = JSON.stringify(mergePatch(stored.current, compareConfig(stored.current, desired).patch));
      return joinScripts([patroniSilent(members.map((each) => each.url)), keys.put('config', value, stored.revision)]);
    },
    digest: () => configuration.digest(),
  };
}

/** What the store holds of a cluster that nobody leads. */
function readStored(keys: DcsKeys, text: string): StuckConfigState['stored'] {
  const { scope, config } = findStored(keys, text) ?? {};
  if ((scope?.initialize ?? '') === '' || scope?.leader !== undefined) return undefined;
  return config;
}

const LEADING = new Set(['leader', 'master', 'standby_leader']);
const WORKING = new Set(['running', 'streaming']);

/** Whether all of the members work and one of those that are listed leads. */
function haveLeader(cluster: readonly ClusterMember[], members: readonly string[]): boolean {
  const working = cluster.filter(({ state }) => WORKING.has(state));
  return members.every((name) => working.some((listed) => listed.name === name)) && working.some(({ role }) => LEADING.has(role));
}
