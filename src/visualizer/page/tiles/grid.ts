/** Where each tile is: as large as fits the room that there is, and found again from where somebody points. Pure; CSS pixels. */

export interface Grid {
  columns: number;
  rows: number;
  width: number;
  height: number;
  gap: number;
  count: number;
  /** Of all rows: more than the room where even the smallest do not fit. */
  wholeHeight: number;
  /** What there is room for in a tile: a bar, a ring with letters, or words beside the ring. */
  look: 'bar' | 'ring' | 'words';
}

export interface Spot {
  x: number;
  y: number;
}

export interface Box extends Spot {
  width: number;
  height: number;
}

const widest = 224;
const wordsFrom = 82;
const ringFrom = 26;
/** Smaller than this nobody can point at. */
const narrowest = 6;

/** The largest tiles that all fit into the room; where none do, the smallest, and more rows than can be seen. */
export function gridFor(count: number, roomWidth: number, roomHeight: number): Grid {
  const most = Math.max(1, Math.floor(roomWidth / narrowest));
  const least = Math.max(1, Math.ceil(roomWidth / (widest + 8)));
  let grid = gridOf(count, least, roomWidth, roomHeight);
  for (let columns = least; columns <= most; columns++) {
    grid = gridOf(count, columns, roomWidth, roomHeight);
    if (grid.wholeHeight <= roomHeight) break;
  }
  return grid;
}

function gridOf(count: number, least: number, roomWidth: number, roomHeight: number): Grid {
  const share = roomWidth / least;
  // Where tiles are few pixels wide, parts of a pixel between them would shimmer.
  const pitch = share < ringFrom ? Math.floor(share) : share;
  const columns = Math.max(least, Math.floor(roomWidth / pitch));
  const gap = pitch >= wordsFrom + 6 ? 6 : pitch >= ringFrom ? 4 : pitch >= 12 ? 2 : 1;
  const width = pitch - gap;
  const look = width >= wordsFrom ? 'words' : width >= ringFrom ? 'ring' : 'bar';
  const rows = Math.ceil(count / columns);
  const { flattest, tallest } = bounds(look, width);
  // Where there is room to spare, rows share it.
  const spare = Math.min(tallest, Math.max(flattest, rows === 0 ? 0 : roomHeight / rows - gap));
  const height = look === 'bar' ? Math.floor(spare) : spare;
  return {
    columns,
    rows,
    width,
    height,
    gap,
    count,
    wholeHeight: rows * (height + gap),
    look,
  };
}

/** How high a tile is at least and at most. */
function bounds(look: Grid['look'], width: number): { flattest: number; tallest: number } {
  switch (look) {
    case 'words':
      return { flattest: Math.max(40, width * 0.36), tallest: Math.min(92, width * 0.56) };
    case 'ring':
      return { flattest: width, tallest: width * 1.1 };
    case 'bar':
      return { flattest: Math.ceil(width * 0.8), tallest: width + 2 };
  }
}

export const spotOf = ({ columns, width, height, gap }: Grid, index: number): Spot => ({
  x: (index % columns) * (width + gap) + Math.floor(gap / 2),
  y: Math.floor(index / columns) * (height + gap) + Math.floor(gap / 2),
});

/** Which tile is there; null between them and beyond the last. */
export function indexAt({ columns, width, height, gap, count }: Grid, { x, y }: Spot): number | null {
  const column = Math.floor(x / (width + gap));
  const row = Math.floor(y / (height + gap));
  const index = row * columns + column;
  return x < 0 || y < 0 || column >= columns || index >= count ? null : index;
}

/** Which tile a key leads to from the one at `index`; null: the key means nothing here. */
export function indexBy({ columns, rows, count }: Grid, index: number, key: string): number | null {
  const page = columns * Math.max(1, Math.floor(rows / 4));
  const to: Record<string, number> = {
    ArrowLeft: index - 1,
    ArrowRight: index + 1,
    ArrowUp: index - columns,
    ArrowDown: index + columns,
    PageUp: index - page,
    PageDown: index + page,
    Home: 0,
    End: count - 1,
  };
  const target = to[key];
  if (target === undefined || count === 0) return null;
  if (key.startsWith('Arrow')) return target < 0 || target >= count ? index : target;
  return Math.max(0, Math.min(count - 1, target));
}
