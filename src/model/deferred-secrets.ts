import { asPgprovError } from '../lib/errors.js';
import type { Secret } from '../lib/secret.js';
import type { SecretFetcher } from '../secrets/fetcher.js';
import type { Checker } from './checker.js';
import type { Provenance } from './inventory.js';
import type { Report } from './report.js';
import type { VariableSchema } from './role-schema.js';
import type { SecretSource } from './secret-source.js';

/** A resolved variable whose secret is fetched when everything else is known to be right. */
export interface DeferredVariable {
  secret: Secret;
  /** What a value in place would have to be. */
  schema: VariableSchema;
  /** Dotted. */
  path: string;
  from: Provenance;
}

/** Fetches the secrets one after the other; one that cannot be had, or is none for its variable, is reported. */
export async function fetchDeferred(
  variables: readonly DeferredVariable[],
  fetcher: SecretFetcher,
  { secrets, checker, report }: { secrets: SecretSource; checker: Checker; report: Report },
): Promise<void> {
  for (const { secret, schema, path, from } of variables) {
    try {
      await secrets.fetch(secret, fetcher);
    } catch (error) {
      const { message, hint } = asPgprovError(error);
      report.addFor(path, from, message, hint);
      continue;
    }
    for (const issue of checker.check(schema, secret.reveal())) report.addFor(path, from, issue.message);
  }
}
