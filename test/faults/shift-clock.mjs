/**
 * Loaded before the service (`node --import`): shifts its wall clock, and leaves the monotonic one alone, as a stepped system
 * clock does. By so many milliseconds as stand in CLOCK_SHIFT_FILE, which is read at start and at each SIGUSR2.
 */
import { readFileSync } from 'node:fs';

let shiftMs = 0;
const read = () => {
  shiftMs = Number(readFileSync(process.env.CLOCK_SHIFT_FILE, 'utf8'));
};
read();
process.on('SIGUSR2', read);

const RealDate = Date;
const now = () => RealDate.now() + shiftMs;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
