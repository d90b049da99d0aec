/** Debian's Chromium, headless: for tests, and to measure by. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Throws where there is none, and says what to do. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath))
    throw new Error(
      `there is no Chromium at ${executablePath}: apt-get install chromium, or say where it is (CHROMIUM)`,
    );
  return chromium.launch({ executablePath, args: flags });
}
