/** On a narrow page the tiles and the panel of a token are below each other: brings the one into view that is meant. */
import { moves } from '../store/settings.ts';

export const lookAtPanel = (): void => look('.token-panel', ({ top }) => top > innerHeight / 2);
export const lookAtTiles = (): void => look('.tokens', ({ bottom }) => bottom < innerHeight / 2);

function look(part: string, isOut: (box: DOMRect) => boolean): void {
  // After the page has been drawn with it.
  requestAnimationFrame(() => {
    const element = document.querySelector(part);
    if (element !== null && isOut(element.getBoundingClientRect()))
      element.scrollIntoView({ behavior: moves() ? 'smooth' : 'auto', block: 'start' });
  });
}
