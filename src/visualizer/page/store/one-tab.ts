/**
 * Of all tabs of a browser one at a time listens to messages: over HTTP/1.1 a browser has six connections to one host, and each
 * tab that is seen takes one for the facts. So four of them beside each other work, and have one left to ask with.
 */
import { signal } from '@preact/signals';

/** Another tab has taken them since. */
export const isElsewhere = signal(false);

const tabs = new BroadcastChannel('leasehold.messages');
tabs.addEventListener('message', () => {
  isElsewhere.value = true;
});
// Whoever turns to a tab means that one.
addEventListener('focus', takeBack);

/** From now on they are listened to here. */
export const take = (): void => tabs.postMessage('taken');

export function takeBack(): void {
  isElsewhere.value = false;
}
