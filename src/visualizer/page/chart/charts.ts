/** The charts as the build has drawn them, of the machines that run. */
import type { DrawnCharts } from '../../chart/drawing.ts';

/** Put in by the build, as text: it is read only where charts are drawn. */
declare const DRAWN_CHARTS: string;

export const charts: DrawnCharts = JSON.parse(DRAWN_CHARTS);
