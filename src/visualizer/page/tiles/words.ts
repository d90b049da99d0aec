/** What is written on a tile: who holds the token and what it is called, and its number where it is evicted soon. */
import { statusOf } from '../../../lease/lease.ts';
import { shortId } from '../format.ts';
import { statusWords } from '../store/words.ts';
import type { Token } from '../wire.ts';
import { cut } from './cut.ts';
import type { Box } from './grid.ts';
import type { Palette } from './palette.ts';
import { ringIn } from './ring.ts';

export function drawWords(to: CanvasRenderingContext2D, token: Token, box: Box, palette: Palette): void {
  const ring = ringIn(box, 'words');
  const x = ring.x + ring.radius + (ring.hasLetters ? 8 : 5);
  const room = box.x + box.width - 4 - x;
  const size = Math.max(11, Math.min(16, box.width * 0.085));
  const middle = box.y + box.height / 2;
  to.textAlign = 'left';
  to.textBaseline = 'alphabetic';
  to.fillStyle = token.lease ? palette.ink : palette['ink-soft'];
  to.font = `${token.lease ? 600 : 400} ${size}px ${palette.sans}`;
  to.fillText(
    cut(to, token.lease ? shortId(token.lease.userId) : statusWords[statusOf(token)], room),
    x,
    middle - 2,
  );
  to.fillStyle = palette['ink-soft'];
  to.font = `${Math.max(10, size - 2)}px ${palette.mono}`;
  to.fillText(cut(to, token.name ?? shortId(token.tokenId), room), x, middle + size);
}

export function drawBadge(
  to: CanvasRenderingContext2D,
  place: string,
  { x, y, width }: Box,
  look: 'bar' | 'ring' | 'words',
  palette: Palette,
): void {
  const radius = look === 'bar' ? Math.min(6, Math.max(4.5, width / 2)) : look === 'ring' ? 7 : 8.5;
  const at = { x: x + width - radius * 0.55, y: y + radius * 0.55 };
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
  to.fillText(place, at.x, at.y + 0.5);
}
