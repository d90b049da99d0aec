/** What a running pool tells whoever runs it, and what it answers. */
import type { Change } from '../lease/command.ts';
import type { Fact } from '../lease/fact.ts';
import type { Step } from '../lease/message.ts';
import type { MachineRefusalCode } from '../lease/refusal.ts';
import type { HeldToken } from './pool-view.ts';

/** The pool is in the middle of something whenever it tells: it is not to be commanded from here. */
export interface PoolHost {
  /** Takes every fact of a token, in the order of its seq. Called while a command is handled, and when a timer fires. */
  record(fact: Fact): void;
  /** Takes the fact that the options have changed: the next one after those before. Its seq. */
  recordChange(change: Change): number;
  /** Takes the last fact: from now on there is no pool. */
  recordClosing(at: number): void;
  /** The turn of one who waited in line has come, and this is their answer; they are not in line any more. */
  served(leaseId: string, answer: Answer): void;
  /** A bug in a machine: the pool has stopped and must not be used again. */
  crashed(error: unknown): void;
}

export interface Answer {
  facts: Fact[];
  refusal: MachineRefusalCode | null;
  /** The token that the user holds already, and is shown instead of being granted another. */
  held: HeldToken | null;
  /** The caller stands in line, and is answered by `served`. */
  waits: boolean;
  /** What it came of, where somebody looks on. */
  step?: Step | undefined;
}

export const answerOf = (part: Partial<Answer> = {}): Answer => ({
  facts: [],
  refusal: null,
  held: null,
  waits: false,
  ...part,
});
