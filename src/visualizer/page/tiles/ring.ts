/** The ring of a tile: what is left of the time, around a sign for the state or the letters of who holds the token. */
import { statusOf } from '../../../lease/lease.ts';
import { timeLeft } from '../store/arrangement.ts';
import { initials } from '../store/words.ts';
import type { Token } from '../wire.ts';
import type { Box } from './grid.ts';
import { inkOf, type Palette } from './palette.ts';
import type { Scene } from './scene.ts';

const top = -Math.PI / 2;

/** Beside words it is small, and has letters only where there is room for both. */
export function ringIn(
  box: Box,
  look: 'ring' | 'words',
): { x: number; y: number; radius: number; hasLetters: boolean } {
  const thin = Math.min(box.width, box.height);
  const y = box.y + box.height / 2;
  if (look === 'ring') return { x: box.x + box.width / 2, y, radius: thin * 0.36, hasLetters: true };
  const hasLetters = box.width >= 120 && box.height >= 48;
  // No larger than its letters need: the words are what is read.
  const radius = hasLetters ? Math.min(thin * 0.28, 20) : 6;
  return { x: box.x + radius + (hasLetters ? 7 : 4), y, radius, hasLetters };
}

export function drawRing(
  to: CanvasRenderingContext2D,
  token: Token,
  box: Box,
  scene: Scene,
  palette: Palette,
  look: 'ring' | 'words',
): void {
  const status = statusOf(token);
  const { x, y, radius, hasLetters } = ringIn(box, look);
  to.lineWidth = Math.max(2, radius * 0.17);
  to.strokeStyle = palette.line;
  if (status === 'available') to.setLineDash([2, 3]);
  arc(to, x, y, radius, 1);
  to.setLineDash([]);
  to.strokeStyle = inkOf(palette, status);
  const left = timeLeft(token, scene.options, scene.now);
  if (left !== null) arc(to, x, y, radius, Math.min(1, left.remainingMs / Math.max(1, left.wholeMs)));
  to.fillStyle = to.strokeStyle;
  if (token.lease && hasLetters) drawLetters(to, token.lease.userId, x, y, radius, palette);
  else if (status !== 'active') drawSign(to, status, x, y, radius * 0.42);
  // In maintenance as soon as it is given back.
  if (token.lease && token.withdrawn) drawSign(to, 'withdrawn', x + radius, y - radius, radius * 0.28);
}

function arc(to: CanvasRenderingContext2D, x: number, y: number, radius: number, part: number): void {
  to.beginPath();
  to.arc(x, y, radius, top, top + 2 * Math.PI * part);
  to.stroke();
}

function drawLetters(
  to: CanvasRenderingContext2D,
  userId: string,
  x: number,
  y: number,
  radius: number,
  palette: Palette,
): void {
  const letters = initials(userId);
  to.fillStyle = palette.ink;
  to.font = `600 ${Math.max(8, radius * (letters.length > 2 ? 0.64 : 0.8))}px ${palette.sans}`;
  to.textAlign = 'center';
  to.textBaseline = 'middle';
  to.fillText(letters, x, y + radius * 0.05);
}

/** A shape for each state, that tells it without its colour. */
function drawSign(
  to: CanvasRenderingContext2D,
  status: 'available' | 'resting' | 'withdrawn',
  x: number,
  y: number,
  size: number,
): void {
  to.lineWidth = Math.max(1.5, size * 0.36);
  to.beginPath();
  if (status === 'available') {
    to.arc(x, y, size * 0.5, 0, 2 * Math.PI);
    to.fill();
  } else if (status === 'resting') {
    to.fillRect(x - size * 0.7, y - size * 0.8, size * 0.45, size * 1.6);
    to.fillRect(x + size * 0.25, y - size * 0.8, size * 0.45, size * 1.6);
  } else {
    to.moveTo(x - size * 0.75, y - size * 0.75);
    to.lineTo(x + size * 0.75, y + size * 0.75);
    to.moveTo(x + size * 0.75, y - size * 0.75);
    to.lineTo(x - size * 0.75, y + size * 0.75);
    to.stroke();
  }
}
