/** Asks a person for a secret without showing it; undefined when there is nobody to ask. */
export type Ask = (question: string) => Promise<string | undefined>;
