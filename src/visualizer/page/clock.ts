/** The browser's time: for motion, and to reckon what the service's clock says meanwhile. No other file of the page reads it. */

/** Elapsed time in milliseconds: from no particular instant. */
export const elapsedMs = (): number => performance.now();
