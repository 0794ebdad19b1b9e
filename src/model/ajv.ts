import type { Ajv, Options } from 'ajv';

/** Keywords of our own, which ajv would refuse. */
export const KEYWORDS = ['secret', 'scope', 'expects', 'additive'];

/** An ajv for the schemas of inventories. It is loaded now, which commands that can do without should not have to. */
export async function loadAjv(code: NonNullable<Options['code']>): Promise<Ajv> {
  const { default: { Ajv: AjvClass } } = await import('ajv');
  // The schemas are our own and the tests hold them against the meta-schema; compiling that one takes longer than all of them.
  const trusted = { meta: false, validateSchema: false } as const;
  const ajv = new AjvClass({ allErrors: true, verbose: true, strictTypes: false, strictRequired: false, ...trusted, code });
  ajv.addVocabulary(KEYWORDS);
  return ajv;
}
