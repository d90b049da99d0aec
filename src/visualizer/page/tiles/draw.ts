/** Draws the tiles that can be seen on a canvas: state as colour and as shape, the time left, who holds it. */
import { statusOf } from '../../../lease/lease.ts';
import { timeLeft } from '../store/arrangement.ts';
import type { Token } from '../wire.ts';
import { drawFlash } from './flash.ts';
import { type Box, type Grid, spotOf } from './grid.ts';
import { inkOf, type Palette, washOf } from './palette.ts';
import { drawRing } from './ring.ts';
import type { Scene } from './scene.ts';
import { drawEviction, drawWords } from './words.ts';

export interface View {
  /** What of the whole is seen: from this far down, and so much of it. */
  top: number;
  width: number;
  height: number;
  /** Device pixels in one of CSS. */
  scale: number;
}

export function drawTiles(
  to: CanvasRenderingContext2D,
  scene: Scene,
  grid: Grid,
  view: View,
  palette: Palette,
): void {
  to.setTransform(view.scale, 0, 0, view.scale, 0, 0);
  to.clearRect(0, 0, view.width, view.height);
  const pitch = Math.max(1, grid.height + grid.gap);
  const first = Math.max(0, Math.floor(view.top / pitch)) * grid.columns;
  const last = Math.min(grid.count, Math.ceil((view.top + view.height) / pitch) * grid.columns);
  const marked: [Token, Box][] = [];
  for (let index = first; index < last; index++) {
    const token = scene.tokens[index]!;
    const { x, y } = spotOf(grid, index);
    const box = { x, y: y - view.top, width: grid.width, height: grid.height };
    to.globalAlpha = scene.matches === null || scene.matches.has(token.tokenId) ? 1 : 0.22;
    if (grid.look === 'bar') drawBar(to, token, box, scene, palette);
    else drawTile(to, token, box, scene, palette, grid.look);
    if (isMarked(token, scene)) marked.push([token, box]);
  }
  to.globalAlpha = 1;
  // Above their neighbours.
  for (const [token, box] of marked) drawMark(to, token, box, scene, grid, palette);
}

const isMarked = ({ tokenId }: Token, { chosen, hovered, matches, evictedNext }: Scene): boolean =>
  tokenId === chosen ||
  tokenId === hovered ||
  (matches !== null && matches.size < 200 && matches.has(tokenId)) ||
  evictedNext.includes(tokenId);

function drawTile(
  to: CanvasRenderingContext2D,
  token: Token,
  box: Box,
  scene: Scene,
  palette: Palette,
  look: 'ring' | 'words',
): void {
  const status = statusOf(token);
  to.fillStyle = status === 'available' ? palette.raised : washOf(palette, status);
  rounded(to, box);
  to.fill();
  to.strokeStyle = status === 'available' ? palette.line : inkOf(palette, status);
  to.lineWidth = 1;
  to.globalAlpha *= status === 'available' ? 1 : 0.55;
  to.stroke();
  to.globalAlpha = scene.matches === null || scene.matches.has(token.tokenId) ? 1 : 0.22;
  drawFlash(to, scene.flashOf(token.tokenId), box, palette);
  drawRing(to, token, box, scene, palette, look);
  if (look === 'words') drawWords(to, token, box, palette);
}

/** Too small for letters: what is left of the time fills it from below. */
function drawBar(
  to: CanvasRenderingContext2D,
  token: Token,
  { x, y, width, height }: Box,
  scene: Scene,
  palette: Palette,
): void {
  const status = statusOf(token);
  to.fillStyle = washOf(palette, status);
  to.fillRect(x, y, width, height);
  to.fillStyle = inkOf(palette, status);
  const left = timeLeft(token, scene.options, scene.now);
  if (status === 'withdrawn') {
    // A bar across: shape, not colour alone.
    to.fillRect(x, y + height * 0.4, width, Math.max(1, height * 0.2));
  } else if (left !== null) {
    const filled = Math.max(1, (height * left.remainingMs) / Math.max(1, left.wholeMs));
    to.fillRect(x, y + height - Math.min(height, filled), width, Math.min(height, filled));
  } else if (status !== 'available') to.fillRect(x, y, width, height);
  const flash = scene.flashOf(token.tokenId);
  if (flash !== null) drawFlash(to, flash, { x, y, width, height }, palette);
}

function drawMark(
  to: CanvasRenderingContext2D,
  token: Token,
  box: Box,
  scene: Scene,
  grid: Grid,
  palette: Palette,
): void {
  const { tokenId } = token;
  const place = scene.evictedNext.indexOf(tokenId);
  if (place >= 0) drawEviction(to, place + 1, box, grid.look, palette);
  const isChosen = tokenId === scene.chosen;
  if (!isChosen && tokenId !== scene.hovered && !scene.matches?.has(tokenId)) return;
  to.strokeStyle = isChosen ? palette.accent : tokenId === scene.hovered ? palette.ink : palette.accent;
  to.lineWidth = isChosen ? (grid.look === 'bar' ? 2 : 3) : 1.5;
  const out = grid.look === 'bar' ? 1 : 0.5;
  rounded(to, {
    x: box.x - out,
    y: box.y - out,
    width: box.width + 2 * out,
    height: box.height + 2 * out,
  });
  to.stroke();
}

function rounded(to: CanvasRenderingContext2D, { x, y, width, height }: Box): void {
  to.beginPath();
  to.roundRect(x, y, width, height, Math.min(8, width / 5));
}
