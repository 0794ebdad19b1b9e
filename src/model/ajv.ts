import type { Ajv, Options } from 'ajv';

/** Keywords of our own, which ajv would refuse. */
const KEYWORDS = ['secret', 'public', 'scope', 'expects', 'additive', 'change'];

/**
 * An ajv for the schemas of inventories. It is loaded now, which commands that can do without should not have to.
 * @param trusted schemas of our own, which the tests hold against the meta-schema: compiling that one takes longer than all of them
 */
export async function loadAjv(code: NonNullable<Options['code']>, trusted = true): Promise<Ajv> {
  const {
    default: { Ajv: AjvClass },
  } = await import('ajv');
  const ajv = new AjvClass({
    allErrors: true,
    verbose: true,
    strictTypes: false,
    strictRequired: false,
    meta: !trusted,
    validateSchema: !trusted,
    code,
  });
  ajv.addVocabulary(KEYWORDS);
  return ajv;
}
