/** Whether each of some can have one of others for itself. */

/** One of `left` for which there is none of `right` left, however the others choose; null if all can have one. */
export function unmatched<L, R>(
  left: readonly L[],
  right: readonly R[],
  fits: (one: L, other: R) => boolean,
): L | null {
  const owners = new Map<R, L>();
  /** Finds one for it, and others for those that have to make room (Kuhn's algorithm). */
  const place = (one: L, tried: Set<R>): boolean => {
    for (const other of right) {
      if (tried.has(other) || !fits(one, other)) continue;
      tried.add(other);
      const owner = owners.get(other);
      if (owner === undefined || place(owner, tried)) {
        owners.set(other, one);
        return true;
      }
    }
    return false;
  };
  return left.find((one) => !place(one, new Set())) ?? null;
}
