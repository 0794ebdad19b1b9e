/** The time limit of a test with hosts on a quiet machine, in milliseconds. */
export const TEST_LIMIT = 300_000;

/** The same of what is done before and after such tests. */
export const HOOK_LIMIT = 600_000;

/** How long `expect.poll` asks on a quiet machine: what comes about a moment later may take its time beside other work. */
export const POLL_LIMIT = 10_000;

/** How long it waits between two looks at hosts, each of which starts programs there that the other files have to wait for. */
export const POLL_PAUSE = 500;
