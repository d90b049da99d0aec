/** Numbers for people. */

/** NaN where there are none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export function spread(values: readonly number[]): string {
  if (values.length === 0) return 'none';
  const [median, most, max] = [percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)];
  return `p50 ${Math.round(median)} ms, p99 ${Math.round(most)} ms, max ${Math.round(max)} ms (${values.length})`;
}

/** How often each name comes, the most frequent first. */
export function tally(names: Iterable<string>): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}
