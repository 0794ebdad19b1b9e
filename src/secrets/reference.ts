/** Where an inventory says that a secret is kept; paths are as written. */
export type SecretReference =
  | { env: string }
  | { file: string }
  /** A program and its arguments, whose output is the secret. */
  | { command: readonly string[] }
  /** A store that is encrypted with age, and the name of a value in it. */
  | { age: string; key: string };

/** `environment variable PGPASS`; of a program no arguments, which may be secret. */
export function describeReference(reference: SecretReference): string {
  if ('env' in reference) return `environment variable ${reference.env}`;
  if ('file' in reference) return `file ${reference.file}`;
  if ('command' in reference) return `output of ${reference.command[0]}`;
  return `${reference.key} in ${reference.age}`;
}
