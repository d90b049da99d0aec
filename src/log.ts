/** Structured logs on standard output: one JSON object a line. No lease id is ever given to them. */
import { type Logger, pino } from 'pino';

export type { Logger };

export const createLog = (level: string): Logger =>
  pino({ level, base: { service: 'leasehold' }, timestamp: pino.stdTimeFunctions.isoTime });
