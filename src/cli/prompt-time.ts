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

/** What came before a run that starts now: milliseconds since the process started, and of these those that it waited for a person. */
export function timeSoFar(): { processMs: number; askMs: number } {
  return { processMs: Math.round(performance.now() - answeringMs), askMs: Math.round(answeringMs) };
}
