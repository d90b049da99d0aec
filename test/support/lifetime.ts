/** What a test, or a run without vitest, has begun, and what ends it: nothing outlives its end. */
import { onTestFinished } from 'vitest';

type End = () => unknown;
const ends: End[] = [];

/** Calls `end` when the test has finished; outside of vitest, when `endAll` is called. The newest goes first. */
export function atEnd(end: End): void {
  if (process.env.VITEST) onTestFinished(async () => void (await end()));
  else ends.push(end);
}

export async function endAll(): Promise<void> {
  for (let end = ends.pop(); end; end = ends.pop()) await end();
}
