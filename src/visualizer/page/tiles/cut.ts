/** Text that is cut to the room that there is for it. */

/** What a canvas is for this. */
interface Ruler {
  measureText(text: string): { width: number };
}

/** Measuring text costs more than drawing it, and most tiles say what they said before. */
const cuts = new Map<string, string>();
const cutsMax = 4000;

export function cut(to: Ruler & { font: string }, text: string, room: number): string {
  const key = `${to.font} ${room} ${text}`;
  const known = cuts.get(key);
  if (known !== undefined) return known;
  if (cuts.size >= cutsMax) cuts.clear();
  const made = cutToFit(to, text, room);
  cuts.set(key, made);
  return made;
}

/** Out of the middle, for what tells users apart is often at the end. */
export function cutToFit(to: Ruler, text: string, room: number): string {
  if (to.measureText(text).width <= room) return text;
  const characters = [...text];
  // A short one is recognised by how it begins.
  const tail = characters.length > 9 ? characters.slice(-3).join('') : '';
  const cutAt = (length: number) => `${characters.slice(0, length).join('')}…${tail}`;
  let length = characters.length - 1 - [...tail].length;
  while (length > 1 && to.measureText(cutAt(length)).width > room) length--;
  return cutAt(length);
}
