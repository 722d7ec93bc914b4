// The charting library: vega and vega-lite as minified files in dist/vendor, put there by
// scripts/vendor-charts.mjs. Node loads them to draw SVG; reports inline their text.

import { readFile } from 'node:fs/promises';

import { EigenscapeError } from '../errors.js';

/** A vega-lite specification or a part of it, as JSON. */
export type Specification = Readonly<Record<string, unknown>>;

interface VegaView {
  toSVG(): Promise<string>;
  finalize(): void;
}

interface TextItem {
  readonly fontSize?: number;
  readonly fontWeight?: number | string;
}

/** What is used of the two libraries. */
interface VegaRuntime {
  readonly textMetrics: { width: (item: TextItem, text: unknown) => number };
  readonly parse: (specification: unknown) => unknown;
  readonly View: new (runtime: unknown, options: { renderer: 'none' }) => VegaView;
}

interface VegaLiteRuntime {
  readonly compile: (
    specification: Specification,
    options: { readonly logger: VegaLogger },
  ) => { readonly spec: unknown };
}

/** What vega-lite calls: each returns the logger itself. */
interface VegaLogger {
  level(): number;
  level(level: number): VegaLogger;
  error(...messages: readonly unknown[]): VegaLogger;
  warn(...messages: readonly unknown[]): VegaLogger;
  info(...messages: readonly unknown[]): VegaLogger;
  debug(...messages: readonly unknown[]): VegaLogger;
}

// The same from src/report and from dist/report.
const VENDOR = new URL('../../dist/vendor/', import.meta.url);

export type VendorFile = 'vega.min.cjs' | 'vega-lite.min.cjs' | 'NOTICES.txt' | 'versions.json';

/** The text of a vendored file. */
export async function vendorText(file: VendorFile): Promise<string> {
  return readFile(new URL(file, VENDOR), 'utf8').catch((cause: unknown) => {
    throw vendorAbsent(cause);
  });
}

/** SVG text of a vega-lite specification, drawn without a browser. */
export async function drawSvg(specification: Specification): Promise<string> {
  const vega = await load('vega.min.cjs', isVega);
  const vegaLite = await load('vega-lite.min.cjs', isVegaLite);
  vega.textMetrics.width = textWidth;
  const { spec } = vegaLite.compile(specification, { logger: refusingLogger() });
  const view = new vega.View(vega.parse(spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Pixels of a line in a common sans-serif type. Without a canvas vega takes 0.8 of the size for every letter, and
 *  leaves a third of a figure white beside its title. */
function textWidth({ fontSize = 11, fontWeight }: TextItem, text: unknown): number {
  const advance = Number(fontWeight) >= 600 || fontWeight === 'bold' ? 0.58 : 0.54;
  return String(text).length * fontSize * advance;
}

async function load<T>(file: VendorFile, isLibrary: (value: unknown) => value is T): Promise<T> {
  const module: unknown = await import(new URL(file, VENDOR).href).catch((cause: unknown) => {
    throw vendorAbsent(cause);
  });
  const library = typeof module === 'object' && module && 'default' in module && module.default;
  if (!isLibrary(library)) throw vendorAbsent(`${file} exports something else`);
  return library;
}

function isVega(value: unknown): value is VegaRuntime {
  const parts = ['parse', 'View', 'textMetrics'];
  return typeof value === 'object' && value !== null && parts.every((part) => part in value);
}

function isVegaLite(value: unknown): value is VegaLiteRuntime {
  return typeof value === 'object' && value !== null && 'compile' in value;
}

function vendorAbsent(cause: unknown): EigenscapeError {
  return new EigenscapeError(
    'ERR_INTERNAL',
    `the charting library in ${VENDOR.pathname} is absent or damaged; in a clone of the repository, ` +
      'run: npm run setup',
    { cause, details: { folder: VENDOR.pathname } },
  );
}

/** vega-lite warns where a specification says what it does not: a fault of ours, never shown. */
function refusingLogger(): VegaLogger {
  const refuse = (...messages: readonly unknown[]): never => {
    throw new EigenscapeError(
      'ERR_INTERNAL',
      `vega-lite objects: ${messages.map(String).join(' ')}`,
      { details: { messages: messages.map(String) } },
    );
  };
  function level(): number;
  function level(level: number): VegaLogger;
  function level(level?: number): number | VegaLogger {
    return level === undefined ? 0 : logger;
  }
  const logger: VegaLogger = {
    level,
    error: refuse,
    warn: refuse,
    info: () => logger,
    debug: () => logger,
  };
  return logger;
}
