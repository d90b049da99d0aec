/** The canvas of the tiles: draws when something has changed, and every now and then for the time that passes. */
import { effect } from '@preact/signals';
import { elapsedMs } from '../../../clock.ts';
import { drawn, evictedNext, look, matches, options } from '../store/drawn.ts';
import { moves, shade } from '../store/settings.ts';
import { chosenToken, hear, isPast, serviceNow } from '../store/store.ts';
import { drawTiles } from './draw.ts';
import { Flashes } from './flash.ts';
import { type Grid, gridFor, indexAt, spotOf } from './grid.ts';
import { type Palette, paletteAt } from './palette.ts';

/** How often the rings are drawn anew: more often is not seen, and costs. */
const ringsMs = 200;
const ringsStillMs = 1000;
/** A light that fades in steps of this looks smooth, and costs half of what each frame would. */
const fadeMs = 33;

export class TilesCanvas {
  readonly #room: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #spacer: HTMLElement;
  readonly #flashes = new Flashes();
  readonly #endings: (() => void)[] = [];
  #palette: Palette;
  #hovered: string | null = null;
  #frame = 0;
  #fading: ReturnType<typeof setTimeout> | undefined;
  grid: Grid = gridFor(0, 1, 1);

  constructor(room: HTMLElement, canvas: HTMLCanvasElement, spacer: HTMLElement) {
    this.#room = room;
    this.#canvas = canvas;
    this.#spacer = spacer;
    this.#palette = paletteAt(room);
    const redraw = () => this.redraw();
    const sizes = new ResizeObserver(() => this.#fit());
    sizes.observe(room);
    room.addEventListener('scroll', redraw, { passive: true });
    this.#endings.push(
      () => sizes.disconnect(),
      () => room.removeEventListener('scroll', redraw),
      effect(() => {
        shade();
        this.#palette = paletteAt(room);
        this.redraw();
      }),
      effect(() => {
        if (drawn.value.length === this.grid.count) this.redraw();
        else this.#fit();
      }),
      effect(() => {
        matches.value;
        chosenToken.value;
        evictedNext.value;
        this.redraw();
      }),
      hear((fact) => {
        if (moves() && !isPast.peek()) this.#flashes.add(fact, elapsedMs());
      }),
      effect(() => {
        const timer = setInterval(redraw, moves() ? ringsMs : ringsStillMs);
        return () => clearInterval(timer);
      }),
    );
  }

  end(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#fading);
    for (const end of this.#endings) end();
  }

  #fade(): void {
    this.#fading = undefined;
    this.redraw();
  }

  /** Before the next frame, however often it is asked for. A tab that is not seen has no frames. */
  redraw(): void {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  indexAt(x: number, y: number): number | null {
    return indexAt(this.grid, { x, y: y + this.#room.scrollTop });
  }

  hover(tokenId: string | null): void {
    if (tokenId === this.#hovered) return;
    this.#hovered = tokenId;
    this.redraw();
  }

  /** Where a tile is in the room. */
  boxOf(index: number): { x: number; y: number; width: number; height: number } {
    const { x, y } = spotOf(this.grid, index);
    return { x, y: y - this.#room.scrollTop, width: this.grid.width, height: this.grid.height };
  }

  bringIntoView(index: number): void {
    const { y, height } = this.boxOf(index);
    if (y < 0) this.#room.scrollTop += y - this.grid.gap;
    else if (y + height > this.#room.clientHeight)
      this.#room.scrollTop += y + height - this.#room.clientHeight + this.grid.gap;
  }

  #fit(): void {
    const { clientWidth, clientHeight } = this.#room;
    if (clientWidth === 0) return;
    this.grid = gridFor(drawn.peek().length, clientWidth, clientHeight);
    look.value = this.grid.look;
    this.#spacer.style.height = `${Math.max(0, this.grid.wholeHeight - clientHeight)}px`;
    const scale = devicePixelRatio;
    const [width, height] = [Math.round(clientWidth * scale), Math.round(clientHeight * scale)];
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      Object.assign(this.#canvas, { width, height });
      Object.assign(this.#canvas.style, { width: `${clientWidth}px`, height: `${clientHeight}px` });
      // A canvas that gets another size is empty until it is drawn.
      this.#draw();
    } else this.redraw();
  }

  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const to = this.#canvas.getContext('2d')!;
    const nowMs = elapsedMs();
    const { clientWidth, clientHeight, scrollTop } = this.#room;
    const scene = {
      tokens: drawn.peek(),
      options: options.peek(),
      now: serviceNow(),
      chosen: chosenToken.peek(),
      hovered: this.#hovered,
      matches: matches.peek(),
      evictedNext: evictedNext.peek(),
      flashOf: (tokenId: string) => this.#flashes.of(tokenId, nowMs),
    };
    if (scene.tokens.length !== this.grid.count) {
      this.#fit();
      return;
    }
    const view = { top: scrollTop, width: clientWidth, height: clientHeight, scale: devicePixelRatio };
    drawTiles(to, scene, this.grid, view, this.#palette);
    if (this.#flashes.burn(nowMs)) this.#fading ??= setTimeout(() => this.#fade(), fadeMs);
  }
}
