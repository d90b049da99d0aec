/** What has just happened to a token lights up on its tile for a moment. */
import type { WireFact } from '../wire.ts';
import type { Box } from './grid.ts';
import type { Palette } from './palette.ts';
import type { Flash } from './scene.ts';

const flashMs = 900;

/** More at once are no flashes any more, but a flicker. */
const most = 400;

export class Flashes {
  readonly #lit = new Map<string, { kind: Flash['kind']; atMs: number }>();

  add({ token_id, type, reason }: WireFact, atMs: number): void {
    if (token_id === null || this.#lit.size >= most) return;
    const kind =
      reason === 'allocated_after_eviction' || reason === 'lru_eviction' || reason === 'oldest_eviction'
        ? 'evicted'
        : type === 'activated' || type === 'renewed'
          ? 'granted'
          : type === 'released' || type === 'expired'
            ? 'ended'
            : 'changed';
    this.#lit.set(token_id, { kind, atMs });
  }

  of(tokenId: string, nowMs: number): Flash | null {
    const lit = this.#lit.get(tokenId);
    if (lit === undefined) return null;
    const strength = 1 - (nowMs - lit.atMs) / flashMs;
    return strength > 0 ? { kind: lit.kind, strength } : null;
  }

  /** Whether any are to be seen still. */
  burn(nowMs: number): boolean {
    for (const [tokenId, { atMs }] of this.#lit) if (nowMs - atMs >= flashMs) this.#lit.delete(tokenId);
    return this.#lit.size > 0;
  }
}

export function drawFlash(
  to: CanvasRenderingContext2D,
  flash: Flash | null,
  box: Box,
  palette: Palette,
): void {
  if (flash === null) return;
  const alpha = to.globalAlpha;
  const colour = {
    granted: palette.active,
    evicted: palette.danger,
    ended: palette.available,
    changed: palette.withdrawn,
  };
  to.globalAlpha = alpha * 0.6 * flash.strength;
  to.fillStyle = colour[flash.kind];
  to.beginPath();
  to.roundRect(box.x, box.y, box.width, box.height, Math.min(8, box.width / 5));
  to.fill();
  to.globalAlpha = alpha;
}
