import { createHash } from 'node:crypto';
import type { Secret } from '../../lib/secret.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import { findAnswer, httpQuestion } from '../http-question.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { consulCall, consulRequest, type ConsulClient } from './client.js';

/** A token of Consul, with the one policy that it has. */
export interface ConsulTokenOptions {
  /** Whose requests may change tokens. */
  client: ConsulClient;
  /** Where the host’s own server has its data. */
  dataDirectory: string;
  /** Name of the policy; letters, digits, dashes and underscores. */
  policy: string;
  /** In HCL. */
  rules: string;
  /** For people: `Patroni of demo`. */
  description: string;
  /** A UUID. */
  token: Secret;
}

/** What Consul has of a token and its policy. */
export type ConsulTokenState =
  /** It does not tell, because there is no leader. Where the server has data there was one, which may well have all of it. */
  | { told: false; hasData: boolean }
  | { told: true; policyId: string | undefined; rules: string | undefined; hasToken: boolean; policies: readonly string[] };

/** What Consul has before anything was made. */
const NOTHING_YET = { policyId: undefined, rules: undefined, hasToken: false, policies: [] as readonly string[] };

/** A policy and the token that has it, made or corrected where Consul has others. */
export function consulToken({ client, dataDirectory, policy, rules, description, token }: ConsulTokenOptions): Resource<ConsulTokenState> {
  const id = `consul-token:${policy}`;
  const accessor = accessorOf(token);
  const [policyAsked, tokenAsked] = [
    consulRequest(client, `/v1/acl/policy/name/${policy}`),
    consulRequest(client, `/v1/acl/token/${accessor}`),
  ];
  const question = httpQuestion(policyAsked, tokenAsked);
  return {
    id,
    sharedQuestions: [question],
    probe: () => sh`if [ -e ${`${dataDirectory}/raft/raft.db`} ]; then echo data; else echo nodata; fi
${printAnswer(question)}`,
    parse: (answer) => {
      const text = answerText(answer);
      const [seen, owner] = [findAnswer(text, policyAsked), findAnswer(text, tokenAsked)];
      // What is not there Consul tells with the status 403, and in these words.
      const isMissing = ({ status, body }: { status: number; body: string }): boolean =>
        status === 404 || (status === 403 && body.includes('ACL not found'));
      const found = seen.status === 200 && seen.body.startsWith('{') ? (JSON.parse(seen.body) as PolicyJson | null) : undefined;
      const held = owner.status === 200 && owner.body.startsWith('{') ? (JSON.parse(owner.body) as TokenJson) : undefined;
      if ((found === undefined && !isMissing(seen)) || (held === undefined && !isMissing(owner)))
        return { told: false, hasData: text.startsWith('data\n') };
      return {
        told: true,
        policyId: found?.ID,
        rules: found?.Rules,
        hasToken: held !== undefined,
        policies: (held?.Policies ?? []).map(({ Name }) => Name),
      };
    },
    diff: (state): Change[] => {
      // It is asked again once there is a leader.
      if (!state.told && state.hasData) return [];
      const { policyId, rules: present, hasToken, policies } = state.told ? state : NOTHING_YET;
      const isRight = hasToken && policies.length === 1 && policies[0] === policy;
      return [
        ...(present === rules
          ? []
          : [
              {
                action: policyId === undefined ? ('create' as const) : ('update' as const),
                summary: `${policyId === undefined ? 'make' : 'correct'} the policy ${policy} of Consul`,
                before: present ?? '',
                after: rules,
              },
            ]),
        ...(isRight
          ? []
          : [
              {
                action: hasToken ? ('update' as const) : ('create' as const),
                summary: `${hasToken ? 'correct' : 'make'} the token of Consul for ${description}`,
              },
            ]),
      ];
    },
    apply: (_, state) => {
      const { policyId, hasToken } = state.told ? state : NOTHING_YET;
      const policyBody = JSON.stringify({ Name: policy, Description: description, Rules: rules });
      const tokenBody = JSON.stringify({
        AccessorID: accessor,
        SecretID: token.reveal(),
        Description: description,
        Policies: [{ Name: policy }],
        Local: false,
      });
      return joinScripts([
        taken(
          consulCall(client, { method: 'PUT', path: `/v1/acl/policy${policyId === undefined ? '' : `/${policyId}`}`, body: policyBody }),
        ),
        taken(consulCall(client, { method: 'PUT', path: `/v1/acl/token${hasToken ? `/${accessor}` : ''}`, body: tokenBody })),
      ]);
    },
    digest: () => digestOf(id, rules, token.reveal()),
  };
}

/** The public name of a token, from which nobody learns the token. */
function accessorOf(token: Secret): string {
  const hash = createHash('sha256').update(`accessor of ${token.reveal()}`).digest('hex');
  return [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join('-');
}

function taken(call: Script): Script {
  return sh`answer=$(${call})
case "$answer" in *'
200') ;;
*) printf '%s\n' "Consul refuses: $answer"; exit 1 ;;
esac`;
}

interface PolicyJson {
  ID: string;
  Rules: string;
}

interface TokenJson {
  Policies?: { Name: string }[] | null;
}
