/** Builds the page into `dist/page`: one script and one style sheet, named by what is in them, and the charts drawn. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type OutputFile } from 'esbuild';
import { drawCharts } from './chart/draw.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'dist/page');
const source = join(root, 'src/visualizer/page');

const { outputFiles, metafile } = await build({
  metafile: true,
  entryPoints: [join(source, 'main.tsx'), join(source, 'style/main.css')],
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  outdir: folder,
  write: false,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['es2022', 'chrome123', 'firefox120'],
  minify: true,
  jsx: 'automatic',
  jsxImportSource: 'preact',
  logLevel: 'warning',
  loader: { '.svg': 'file' },
  // As text: an object would become a part of the script that everybody needs first.
  define: { DRAWN_CHARTS: JSON.stringify(JSON.stringify(await drawCharts())) },
});

const nameOf = (ending: string): string =>
  basename(outputFiles.find(({ path }) => basename(path).startsWith('main-') && path.endsWith(ending))!.path);

/** What the script needs at once, asked for together with it. */
const needed = Object.entries(metafile.outputs)
  .find(([path]) => basename(path) === nameOf('.js'))![1]
  .imports.filter(({ kind }) => kind === 'import-statement')
  .map(({ path }) => `<link rel="modulepreload" href="/visualizer/${basename(path)}">`)
  .join('\n');

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Leasehold</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='none' stroke='%23b35c00' stroke-width='3'/%3E%3C/svg%3E">
<link rel="stylesheet" href="/visualizer/${nameOf('.css')}">
${needed}
<script type="module" src="/visualizer/${nameOf('.js')}"></script>
</head>
<body>
<div id="page"></div>
<noscript>This page draws what the service streams to it, and needs JavaScript for that. The service itself: /docs</noscript>
</body>
</html>
`;

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const { path, contents } of outputFiles as OutputFile[]) write(basename(path), contents);
write('index.html', Buffer.from(page));

function write(name: string, contents: Uint8Array): void {
  writeFileSync(join(folder, name), contents);
  writeFileSync(join(folder, `${name}.gz`), gzipSync(contents, { level: 9 }));
}
