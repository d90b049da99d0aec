/** What is read of the clock on the page is read anew each second, while somebody looks. */
import { signal } from '@preact/signals';

export const tick = signal(0);

export const isSeen = (): boolean => document.visibilityState === 'visible';

/** Calls back each so often while the page is seen, and at once when it is seen again. */
export function everySeen(ms: number, call: () => void): () => void {
  const whenSeen = () => {
    if (isSeen()) call();
  };
  const timer = setInterval(whenSeen, ms);
  document.addEventListener('visibilitychange', whenSeen);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', whenSeen);
  };
}

everySeen(1000, () => {
  tick.value++;
});
