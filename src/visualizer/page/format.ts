/** How the page writes times, lengths of time, numbers and ids. Pure: what it is now is given. Milliseconds in, and ISO-8601 where an instant is. */

const units: readonly (readonly [name: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** A length of time to read, in its two largest units: `12 ms`, `1.5 s`, `2 min`, `1 min 30 s`, `3 h 5 min`, `30 d`. What is less is left out. */
export function duration(ms: number): string {
  if (ms < 0) return `-${duration(-ms)}`;
  if (!Number.isInteger(ms)) return duration(Math.round(ms));
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${Math.floor(ms / 100) / 10} s`;
  const first = units.findIndex(([, length]) => ms >= length);
  const [name, length] = units[first]!;
  const [lesser, part] = units[first + 1] ?? ['ms', 1];
  const whole = Math.floor(ms / length);
  const rest = Math.floor((ms - whole * length) / part);
  return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${lesser}`;
}

/** A length of time that still goes on, to the second: `0 s`, `12 s`, `3 min 5 s`. */
export const elapsed = (ms: number): string =>
  ms < 1_000 ? '0 s' : duration(Math.floor(ms / 1_000) * 1_000);

/** What is left, as a clock counts down: `1:43`, `0:07`, `3:05:00`, and from a day on `2 d 4 h`. `0:00` only when it is over. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  if (seconds >= 86_400) return duration(seconds * 1_000);
  const two = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const tail = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
}

/** The time of day of an instant, `14:03:07`, where the reader is unless a zone is named. */
export const timeOfDay = (instant: string | number, timeZone?: string): string =>
  written('time', timeZone).format(new Date(instant));

/** The same to the minute: `14:03`. */
export const hourAndMinute = (instant: string | number, timeZone?: string): string =>
  written('minute', timeZone).format(new Date(instant));

/** An instant in full: `21 Nov 2026, 14:03:07`. */
export const dateAndTime = (instant: string | number, timeZone?: string): string =>
  written('full', timeZone).format(new Date(instant));

/** `12,345`. */
export const number = (value: number): string => numbers.format(value);

/** `1 lease`, `3 leases`; the plural is given where it is no mere s. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${number(value)} ${value === 1 ? one : many}`;

/** What happens so often a second: `0/s`, `0.25/s`, `3.4/s`, `120/s`. */
export function perSecond(rate: number): string {
  if (rate >= 100) return `${number(Math.round(rate))}/s`;
  return `${Number(rate.toFixed(rate < 1 ? 2 : 1))}/s`;
}

/** An id to be told from others at a glance: the first eight characters of a UUID, and other text up to `max`. */
export function shortId(id: string, max = 16): string {
  if (uuid.test(id)) return id.slice(0, 8);
  const characters = [...id];
  return characters.length > max ? `${characters.slice(0, max - 1).join('')}…` : id;
}

/** `os: ios, site: lab 2`; nothing where there are none. */
export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const numbers = new Intl.NumberFormat('en-GB');

const shapes = {
  time: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  minute: { hour: '2-digit', minute: '2-digit' },
  full: {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

// Making one costs a hundred times as much as using it.
const made = new Map<string, Intl.DateTimeFormat>();

function written(shape: keyof typeof shapes, timeZone: string | undefined): Intl.DateTimeFormat {
  const key = `${shape} ${timeZone}`;
  const found = made.get(key);
  if (found !== undefined) return found;
  const format = new Intl.DateTimeFormat('en-GB', {
    ...shapes[shape],
    hourCycle: 'h23',
    ...(timeZone !== undefined && { timeZone }),
  });
  made.set(key, format);
  return format;
}

/** What a token is called: its name, where it has one. */
export const tokenName = (name: string | null | undefined, tokenId: string): string =>
  name ?? shortId(tokenId);
