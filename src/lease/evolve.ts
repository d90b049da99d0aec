/** When the lease of an ending fact was over: a lease that ran out ended at its deadline, however late that was seen. */
export function endedAt(fact: { type: string; at: number; expiresAt: number }): number {
  return fact.type === 'expired' ? fact.expiresAt : fact.at;
}
