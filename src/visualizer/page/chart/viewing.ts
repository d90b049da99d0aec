/** How a chart is looked at: which of its drawings fits, how large it is, and moving about in it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Drawing, DrawnChart } from '../../chart/drawing.ts';

/** Below it the wide drawing cannot be read. */
const readable = 0.62;
/** Below it its small letters are hard to read: it is rather scrolled, unless somebody wants to see all of it. */
const legible = 0.88;
const scaleMax = 2.5;
const fittedMax = 1.15;
const step = 1.25;

export function useView(chart: DrawnChart) {
  const element = useRef<HTMLElement>(null);
  const room = useRoom(element);
  const [wanted, setZoom] = useState<number | null>(null);
  const form: 'wide' | 'narrow' = room >= chart.wide.width * readable ? 'wide' : 'narrow';
  const drawing: Drawing = chart[form];
  const fitted = Math.min(fittedMax, room / drawing.width);
  const zoom = wanted ?? (form === 'wide' ? Math.max(1, legible / fitted) : 1);
  const scale = fitted * zoom;
  const zoomTo = (next: number) => {
    const view = element.current;
    const most = Math.max(1, scaleMax / fitted);
    const bounded = Math.min(most, Math.max(1, next));
    if (view) keepMiddle(view, bounded / zoom);
    setZoom(bounded);
  };
  return {
    element,
    form,
    drawing,
    scale,
    canGrow: scale < scaleMax - 0.01,
    canShrink: zoom > 1,
    larger: () => zoomTo(zoom * step),
    smaller: () => zoomTo(zoom / step),
    fit: () => zoomTo(1),
    drag: useDrag(element),
  };
}

/** How wide it may be, in pixels. */
function useRoom(element: { current: HTMLElement | null }): number {
  const [room, setRoom] = useState(0);
  useEffect(() => {
    const view = element.current!;
    // With its scroll bar, which must not change the drawing by coming and going.
    const observer = new ResizeObserver(() => setRoom(view.offsetWidth));
    observer.observe(view);
    return () => observer.disconnect();
  }, []);
  return room;
}

/** What is in the middle stays there when everything grows; after the page has drawn it so. */
function keepMiddle(view: HTMLElement, factor: number): void {
  const x = (view.scrollLeft + view.clientWidth / 2) * factor - view.clientWidth / 2;
  const y = (view.scrollTop + view.clientHeight / 2) * factor - view.clientHeight / 2;
  requestAnimationFrame(() => view.scrollTo(x, y));
}

/** With a mouse the chart is moved by dragging; fingers and the keyboard scroll it. */
function useDrag(element: { current: HTMLElement | null }) {
  const last = useRef<{ x: number; y: number } | null>(null);
  const end = () => {
    last.current = null;
  };
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.pointerType !== 'mouse' || event.button !== 0) return;
      last.current = { x: event.clientX, y: event.clientY };
    },
    onPointerMove: (event: PointerEvent) => {
      if (last.current === null || event.buttons === 0) return;
      element.current?.scrollBy(last.current.x - event.clientX, last.current.y - event.clientY);
      last.current = { x: event.clientX, y: event.clientY };
    },
    onPointerUp: end,
    onPointerLeave: end,
  };
}
