/** What a check of the log against its own rules can find. Plain data; never a lease id. */

/** As `SPEC.md` numbers them: those that a log and its tokens can be held against. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I7' | 'I8' | 'I11' | 'I12' | 'I13' | 'I19';

export interface Violation {
  invariant: Invariant;
  /** The fact where it shows; null where it is of no single one. */
  seq: number | null;
  tokenId: string | null;
  message: string;
}

/** How far a check has come. */
export interface Progress {
  facts: number;
  /** It goes over the facts from this one to the head. */
  fromSeq: number;
  headSeq: number;
  violations: number;
}

/** A log and its tokens, both as they were at one moment. */
export interface Verification {
  sound: boolean;
  facts: number;
  tokens: number;
  fromSeq: number;
  headSeq: number;
  /** The first ones; `violationsTotal` counts them all. */
  violations: Violation[];
  violationsTotal: number;
}

/** As it is written for others: by the route and by the command alike. */
export const verificationOut = (found: Verification, elapsedMs: number) => ({
  sound: found.sound,
  facts: found.facts,
  tokens: found.tokens,
  from_seq: found.fromSeq,
  head_seq: found.headSeq,
  violations: found.violations.map(({ tokenId, ...violation }) => ({ ...violation, token_id: tokenId })),
  violations_total: found.violationsTotal,
  elapsed_ms: Math.round(elapsedMs),
});
