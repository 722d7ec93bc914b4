// The report page as a browser sees it. Wants Debian's chromium, or CHROMIUM_PATH; skipped without.

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { type BrowserContext, type Page, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { writeReport } from '../../src/report/write-report.js';
import { HOSTILE, sampleReport } from './sample-report.js';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const present = existsSync(executablePath);
if (!present) {
  console.warn(`The report page is not tried in a browser: ${executablePath} is absent.`);
}

const QUIET = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--no-first-run'];
const OFFLINE = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
const DRAWN = 'figure[data-drawn="yes"]';

describe.skipIf(!present)('the report page in chromium', () => {
  let folder = '';
  let context: BrowserContext;
  let page: Page;
  const complaints: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eigenscape-browser-'));
    const file = join(folder, 'index.html');
    await writeReport(sampleReport, file);
    context = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath,
      args: [...QUIET, ...OFFLINE],
      viewport: { width: 1280, height: 900 },
      acceptDownloads: true,
    });
    page = await context.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    await page.locator(DRAWN).last().waitFor();
  });

  afterAll(async () => {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('draws every chart, each with marks', async () => {
    expect(await page.locator(DRAWN).count()).toBe(sampleReport.charts.length);
    for (const figure of await page.locator(DRAWN).all()) {
      expect(await figure.locator('.role-mark path, .role-mark line').count()).toBeGreaterThan(0);
    }
  });

  it('has no complaint and asks for nothing but itself', () => {
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !/^(file|blob|data):/.test(url))).toEqual([]);
  });

  it('never runs or builds what names hold', async () => {
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('h1').textContent()).toContain(HOSTILE);
  });

  it.each([1280, 768, 390, 320])('has no horizontal overflow at %i pixels', async (width) => {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForTimeout(150); // vega redraws at the new width
    const overflow = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow).toBe(0);
    for (const svg of await page.locator('.chart svg').all()) {
      const box = await svg.boundingBox();
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it('answers the pointer with the values of the nearest point', async () => {
    const chart = page.locator('#chart-2 .chart');
    await chart.scrollIntoViewIfNeeded();
    await chart.hover({ position: { x: 400, y: 200 } });
    const tooltip = page.locator('.tooltip');
    await tooltip.waitFor({ state: 'visible' });
    expect(await tooltip.textContent()).toMatch(/spectrum.*rank\d+eigenvalue/);
  });

  it('zooms with Ctrl and the wheel, has new ticks there, and goes back', async () => {
    const figure = page.locator('#chart-1');
    const labels = (): Promise<string[]> =>
      figure.locator('.role-axis-label text').allTextContents();
    await figure.scrollIntoViewIfNeeded();
    const before = await labels();
    await figure.locator('.chart').hover({ position: { x: 500, y: 120 } });
    await page.keyboard.down('Control');
    for (let i = 0; i < 12; i++) await page.mouse.wheel(0, -240);
    await page.keyboard.up('Control');
    await expect.poll(labels).not.toEqual(before);
    expect((await labels()).length).toBeGreaterThan(3);
    await figure.getByRole('button', { name: 'Reset zoom' }).click();
    await expect.poll(labels).toEqual(before);
  });

  it('changes between the symmetric-log and the linear axis', async () => {
    const figure = page.locator('#chart-1');
    const axis = figure.locator('[aria-label*="symlog scale"]');
    expect(await axis.count()).toBe(1);
    await figure.getByRole('button', { name: 'Linear', exact: true }).click();
    await expect.poll(() => axis.count()).toBe(0);
    await figure.getByRole('button', { name: 'Logarithmic', exact: true }).click();
    await expect.poll(() => axis.count()).toBe(1);
  });

  it('gives its data and its charts as files', async () => {
    const save = async (name: RegExp): Promise<string> => {
      const waiting = page.waitForEvent('download');
      await page.getByRole('button', { name }).first().click();
      const path = await (await waiting).path();
      return readFile(path, 'utf8');
    };
    expect(JSON.parse(await save(/^Download sample\.json/))).toMatchObject({ name: HOSTILE });
    expect(await save(/^Save as SVG/)).toMatch(/^<svg/);
  });

  it('turns dark with the system, in charts too, and prints light', async () => {
    const colours = (): Promise<string[]> =>
      page.evaluate<string[]>(`[
        getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector('.role-axis-label text')).fill,
        getComputedStyle(document.querySelector('.role-legend-symbol path')).fill,
      ]`);
    const light = await colours();
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await colours();
    dark.forEach((colour, i) => {
      expect(colour).not.toBe(light[i]);
    });
    await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
    expect(await colours()).toEqual(light);
    await page.emulateMedia({ colorScheme: 'light', media: 'screen' });
  });

  it('has no two elements of one id once drawn', async () => {
    const repeated = await page.evaluate<string[]>(`
      [...document.querySelectorAll('[id]')].map(({ id }) => id)
        .filter((id, i, ids) => ids.indexOf(id) !== i)`);
    expect(repeated).toEqual([]);
  });
});
