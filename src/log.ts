/** Structured logs on standard output: one JSON object a line. No lease id ever gets into them. */
import { type Logger, pino } from 'pino';
import { rootCause } from './cause.ts';

export type { Logger };

export const createLog = (level: string): Logger =>
  pino(
    {
      level,
      base: { service: 'leasehold' },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: shown },
    },
    // At once: what is said last is what matters most, and an end of the process would overtake it.
    pino.destination({ fd: 1, sync: true }),
  );

/** The root of an error and nothing else of it: queries, parameters and rows hold lease ids. */
function shown(error: unknown): object {
  const cause = rootCause(error);
  if (!(cause instanceof Error)) return { message: String(cause) };
  const { name, message, stack } = cause;
  const { code } = cause as { code?: unknown };
  return { type: name, message, ...(typeof code === 'string' ? { code } : {}), stack };
}
