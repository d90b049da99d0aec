/** What is written on a tile: who holds the token and what it is called, and its number where it is evicted soon. */
import { statusOf } from '../../../lease/lease.ts';
import { shortId, tokenName } from '../format.ts';
import { statusWords } from '../store/words.ts';
import type { Token } from '../wire.ts';
import { cut } from './cut.ts';
import type { Box } from './grid.ts';
import type { Palette } from './palette.ts';
import { ringIn } from './ring.ts';

export function drawWords(to: CanvasRenderingContext2D, token: Token, box: Box, palette: Palette): void {
  const ring = ringIn(box, 'words');
  const x = ring.x + ring.radius + (ring.hasLetters ? 7 : 3);
  const room = box.x + box.width - 3 - x;
  const size = Math.max(11, Math.min(15, box.width * 0.08));
  const middle = box.y + box.height / 2;
  to.textAlign = 'left';
  to.textBaseline = 'alphabetic';
  to.fillStyle = token.lease ? palette.ink : palette['ink-soft'];
  const name = token.lease ? shortId(token.lease.userId) : statusWords[statusOf(token)];
  const weight = token.lease ? 600 : 400;
  to.font = `${weight} ${size}px ${palette.sans}`;
  // Rather a little smaller than cut.
  if (cut(to, name, room) !== name) to.font = `${weight} ${Math.max(10, size - 2)}px ${palette.sans}`;
  to.fillText(cut(to, name, room), x, middle - 2);
  to.fillStyle = palette['ink-soft'];
  to.font = `${Math.max(10, size - 2)}px ${palette.mono}`;
  to.fillText(cut(to, tokenName(token.name, token.tokenId), room), x, middle + size);
}

/** In the corner where the ring is, that it covers no letter; where there is no room for a number, the outline alone, the first one's thicker. */
export function drawEviction(
  to: CanvasRenderingContext2D,
  place: number,
  { x, y, width, height }: Box,
  look: 'bar' | 'ring' | 'words',
  palette: Palette,
): void {
  if (look === 'bar') {
    const thick = place === 1 ? 2 : 1;
    // Set off from what it is around, which may look much like it.
    to.strokeStyle = palette.raised;
    to.lineWidth = 2 * thick + 1;
    to.strokeRect(x, y, width, height);
    to.strokeStyle = palette.danger;
    to.lineWidth = thick;
    to.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
    return;
  }
  const radius = look === 'ring' ? 6.5 : 8;
  const at = { x: x + radius * 0.6, y: y + radius * 0.6 };
  to.fillStyle = palette.danger;
  to.strokeStyle = palette.raised;
  to.lineWidth = 1.5;
  to.beginPath();
  to.arc(at.x, at.y, radius, 0, 2 * Math.PI);
  to.fill();
  to.stroke();
  to.fillStyle = palette.raised;
  to.font = `700 ${radius * 1.35}px ${palette.sans}`;
  to.textAlign = 'center';
  to.textBaseline = 'middle';
  to.fillText(String(place), at.x, at.y + 0.5);
}
