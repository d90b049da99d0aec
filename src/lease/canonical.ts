/** One way to write a JSON value: a database, or a client, may put an object's members in an order of its own. */
import type { Json } from './lease.ts';

/** JSON with the members of each object in order. */
export function canonical(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonical(value[key]!)}`).join()}}`;
}
