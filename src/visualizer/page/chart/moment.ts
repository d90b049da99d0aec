/** What is shown for a moment, and then not any more. */
import { useEffect, useState } from 'preact/hooks';

const momentMs = 1600;

/** The newest of what is given, until a moment has passed; what is there at first has been there before. */
export function useForAMoment<T extends { key: number }>(newest: T | null): T | null {
  const [passed, setPassed] = useState(newest?.key ?? null);
  const key = newest?.key ?? null;
  useEffect(() => {
    // What is gone may come again: whoever steps back takes the same step again.
    if (key === null) return setPassed(null);
    const timer = setTimeout(() => setPassed(key), momentMs);
    return () => clearTimeout(timer);
  }, [key]);
  return key === passed ? null : newest;
}
