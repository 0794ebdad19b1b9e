let answeringMs = 0;

/** Asks a person something, and counts the time until the answer. */
export async function timeAnswer<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const began = performance.now();
  try {
    return await ask();
  } finally {
    answeringMs += performance.now() - began;
  }
}

/** Milliseconds that this process has waited for a person so far. */
export function waitedForAnswers(): number {
  return answeringMs;
}

/** Milliseconds since the process started, without those that it waited for a person. */
export function ownTime(): number {
  return performance.now() - answeringMs;
}
