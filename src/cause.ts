/** Why something failed, beneath what wraps it. What wraps a failed query repeats its parameters: it is not to be shown. */

export function rootCause(error: unknown): unknown {
  // A refused connection is several errors in one, with an empty message of its own.
  const inner =
    error instanceof AggregateError ? error.errors[0] : error instanceof Error ? error.cause : null;
  return inner == null ? error : rootCause(inner);
}

/** In words for people. */
export function reasonOf(error: unknown): string {
  const cause = rootCause(error);
  return cause instanceof Error ? cause.message : String(cause);
}
