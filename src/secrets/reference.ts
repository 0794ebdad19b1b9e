/** Where an inventory says that a secret is kept; paths are as written. */
export type SecretReference =
  | { env: string }
  | { file: string }
  /** A program and its arguments, whose output is the secret. */
  | { command: readonly string[] }
  /** A store that is encrypted with age, and the name of a value in it. */
  | { age: string; key: string };
