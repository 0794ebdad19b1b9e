import { CATALOG } from '../../../roles/index.js';
import type { Inventory } from '../../../src/model/index.js';
import { PLATFORMS } from '../../../src/platform/index.js';
import { buildHostWork } from '../../../src/plan/host-work.js';
import type { Resource } from '../../../src/resources/resource.js';
import { questionsOf, sharedSections } from '../../../src/resources/shared-question.js';
import { joinScripts, type Script } from '../../../src/shell/quote.js';
import { applyScripts } from '../../support/apply-scripts.js';
import { contextOf } from '../../support/inventory.js';

/** A script that a host may be sent, and what it is for. */
export interface HostScript {
  /** The same for the same script of another inventory. */
  role: string;
  /** Of the platform. */
  system: string;
  host: string;
  /** The id that the answer is framed with. */
  id: string;
  script: Script;
  /** Ends at the first failing command. */
  step: boolean;
}

/** One system of each family. */
export const SYSTEMS = PLATFORMS.filter(({ family }, index) => PLATFORMS.findIndex((other) => other.family === family) === index);

/** Making a verifier takes time on purpose, and it is all that such a script has of the password. */
const verifiers = new Map<string, Script[]>();

function appliesOf(resource: Resource): Script[] {
  if (!resource.id.startsWith('pg-role:')) return applyScripts(resource);
  const text = sharedSections([resource])
    .map(({ body }) => body.text)
    .join('');
  const known = verifiers.get(text) ?? applyScripts(resource);
  verifiers.set(text, known);
  return known;
}

/** Every script that the hosts of an inventory may be sent, on each family of systems, in one order. */
export function hostScripts(inventory: Inventory): HostScript[] {
  return SYSTEMS.flatMap((platform) =>
    inventory.hosts.flatMap(({ name }, at) => {
      const { observations, stages } = buildHostWork(CATALOG, contextOf(inventory, name, platform));
      const resources = stages.flatMap(({ stage }) => stage.resources);
      const gates = stages.flatMap(({ stage }) => stage.gates ?? []);
      const where = { system: platform.id, host: name };
      const label = (what: string, index: number): string => `${platform.id} host ${at} ${what} ${index}`;
      const all = [...observations, ...resources, ...gates];
      const functions = new Map(questionsOf(all).map(({ defines }) => [defines?.text, defines]));
      const known = (script: Script): Script => joinScripts([...[...functions.values()].flatMap((defines) => defines ?? []), script]);
      return [
        ...sharedSections(all).map(({ id, body }, index) => ({
          role: label('ask', index),
          ...where,
          id,
          script: known(body),
          step: false,
        })),
        ...all.map((asked, index) => ({ role: label('see', index), ...where, id: asked.id, script: known(asked.probe()), step: false })),
        ...resources.flatMap((resource, index) =>
          appliesOf(resource).map((script, state) => ({
            role: label(`do ${index}`, state),
            ...where,
            id: resource.id,
            script,
            step: true,
          })),
        ),
        ...gates.map((gate, index) => ({ role: label('wait', index), ...where, id: gate.id, script: gate.wait(), step: true })),
      ];
    }),
  );
}

/** The text without what is random or a digest. */
export function comparable(text: string): string {
  return text.replace(/SCRAM-SHA-256\$\d+:[^'\\]*/gu, 'VERIFIER').replace(/\b[0-9a-f]{64}\b/gu, 'DIGEST');
}
