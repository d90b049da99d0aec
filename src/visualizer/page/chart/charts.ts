/** The charts as the build has drawn them, of the machines that run. */
import type { DrawnCharts } from '../../chart/drawing.ts';

/** Put in by the build. */
declare const DRAWN_CHARTS: DrawnCharts;

export const charts: DrawnCharts = DRAWN_CHARTS;
