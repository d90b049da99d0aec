/** A pool as it is drawn: a snapshot read from the wire, and carried on by the facts that follow. Pure. */
import { apply, type PicturedToken, type Picture as Pool } from '../../../lease/picture.ts';
import type { FactView } from '../../../lease/view.ts';
import { msOrNull, type WireFact, type WireOptions, type WireSnapshot, type WireToken } from '../wire.ts';

/** Changed in place by the facts that follow: there may be ten thousand tokens, and a thousand facts a second. */
export interface Picture extends Pool {
  pool: string;
  oldestSeq: number;
}

export const pictureOf = (snapshot: WireSnapshot): Picture => ({
  pool: snapshot.pool,
  seq: snapshot.seq,
  at: Date.parse(snapshot.at),
  oldestSeq: snapshot.oldest_seq,
  options: snapshot.options as Pool['options'],
  tokens: new Map(snapshot.tokens.map((token) => [token.token_id, tokenIn(token)])),
});

export const optionsOf = ({ options }: Pool): WireOptions | null => options as WireOptions | null;

/** Carries the picture on; what it shows already is passed over. False: the pool is to be asked for anew. */
export function carryOn(picture: Picture, fact: WireFact): boolean {
  if (fact.seq <= picture.seq) return true;
  if (!apply(picture, factIn(fact))) return false;
  const token = fact.token_id === null ? undefined : picture.tokens.get(fact.token_id);
  // Another object for another state: what is drawn of the one before is drawn anew.
  if (token !== undefined) picture.tokens.set(token.tokenId, { ...token });
  return true;
}

const tokenIn = (wire: WireToken): PicturedToken => ({
  tokenId: wire.token_id,
  name: wire.name,
  labels: wire.labels,
  lease:
    wire.user_id === null
      ? null
      : {
          userId: wire.user_id,
          fence: wire.fence!,
          activatedAt: Date.parse(wire.activated_at!),
          expiresAt: Date.parse(wire.expires_at!),
        },
  restsUntil: msOrNull(wire.rests_until),
  keptUntil: msOrNull(wire.kept_until),
  withdrawn: wire.withdrawn ? { note: wire.note } : null,
  usedSeq: wire.used_seq,
});

const factIn = (wire: WireFact): FactView => ({
  seq: wire.seq,
  tokenId: wire.token_id,
  type: wire.type,
  reason: wire.reason,
  userId: wire.user_id,
  fence: wire.fence,
  at: Date.parse(wire.at),
  expiresAt: msOrNull(wire.expires_at),
  metadata: wire.metadata,
});

const iso = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : new Date(ms).toISOString();

/** As it is on the wire. */
export const tokenOut = (token: PicturedToken, status: WireToken['status']): WireToken => ({
  token_id: token.tokenId,
  name: token.name,
  labels: token.labels,
  status,
  user_id: token.lease?.userId ?? null,
  fence: token.lease?.fence ?? null,
  activated_at: iso(token.lease?.activatedAt),
  expires_at: iso(token.lease?.expiresAt),
  rests_until: iso(token.restsUntil),
  kept_until: iso(token.keptUntil),
  withdrawn: token.withdrawn !== null,
  note: token.withdrawn?.note ?? null,
  used_seq: token.usedSeq,
});
