/** What is shown for a moment, and then not any more. */
import { useEffect, useState } from 'preact/hooks';

const momentMs = 1600;

/**
 * The newest of what is given, until a moment has passed; what is there at first has been there before. Another object is told
 * anew, whatever it says: whoever steps back takes the same step again.
 */
export function useForAMoment<T extends object>(newest: T | null): T | null {
  const [passed, setPassed] = useState(newest);
  useEffect(() => {
    if (newest === null) return;
    const timer = setTimeout(() => setPassed(newest), momentMs);
    return () => clearTimeout(timer);
  }, [newest]);
  return newest === passed ? null : newest;
}
