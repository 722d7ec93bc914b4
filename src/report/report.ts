// What a report holds: plain data, one page of it.

import type { Chart } from './chart.js';

/** Any JSON value. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Rows under named columns; numbers are set to a few digits, the first column is text. */
export interface Table {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** A statement that was tried, with what was measured. */
export interface Claim {
  readonly claim: string;
  readonly holds: boolean;
  readonly measured: string;
}

/** A file that the page offers for download. */
export interface ReportData {
  readonly fileName: string;
  readonly content: unknown;
}

/** What {@link writeReport} makes a page of. */
export interface Report {
  readonly title: string;
  /** One paragraph under the title: what was found. */
  readonly summary?: string | undefined;
  readonly tables: readonly Table[];
  readonly claims?: readonly Claim[] | undefined;
  readonly charts: readonly Chart[];
  /** The choices that make the numbers repeatable: seed, sizes, optimizer, versions. */
  readonly manifest: Readonly<Record<string, Json>>;
  /** JSON to download from the page; anything that JSON.stringify takes. */
  readonly data?: readonly ReportData[] | undefined;
  /** Reports of their own further down the page, each with its claims, charts, manifest and data. */
  readonly parts?: readonly ReportPart[] | undefined;
}

/** One of several reports on a page. */
export interface ReportPart extends Omit<Report, 'parts'> {
  /** Its anchor: letters, digits and hyphens, unique in the page. */
  readonly name: string;
  /** Relative address of a page of its own. */
  readonly page?: string | undefined;
}
