/**
 * A fault of the driver (postgres.js 3.4.9): it may write to a connection that has just been closed, and then throws where
 * nobody can catch it. What was under way on that connection is lost with it, as it would be in any case.
 */

/** Whether that is what was thrown: no bug of ours, and nothing that the limits of time for each statement do not find. */
export const isLateWrite = (error: unknown): boolean =>
  error instanceof TypeError &&
  /\bnull\b.*'write'/.test(error.message) &&
  /\n\s+at .*\bnextWrite\b.*[\\/]postgres[\\/]/.test(error.stack ?? '');
