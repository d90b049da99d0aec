/** The one source of chance, as `clock.ts` is the one source of time: ids enter with the command. */
import { randomUUID } from 'node:crypto';

/** A random UUID (version 4), for tokens, processes and users that bring no id of their own. */
export const newId = (): string => randomUUID();

/**
 * A lease id: a UUID of version 7 (RFC 9562), 74 random bits behind the time `at` in milliseconds.
 * Whoever knows it is the holder, so it is the random bits that nobody can guess; the time in front keeps the log's
 * index on lease ids growing at one end.
 */
export function newLeaseId(at: number): string {
  const time = at.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
