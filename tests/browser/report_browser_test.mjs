// SPDX-License-Identifier: Apache-2.0
// node report_browser_test.mjs SAMPLE_PROGRAM FOLDER
// Writes the sample reports and opens them in Chromium, offline, from the file: every figure drawn, nothing said on the
// console, nothing asked of the network, no text left its place, no wide page at 360 px, no finding of axe.
// Leaves screenshots in FOLDER/report-*.png. Exits 77 where there is no Chromium or no playwright-core.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const [program, folder] = process.argv.slice(2);
const browser_path = process.env.PLIMSOLL_CHROMIUM ?? '/usr/bin/chromium';
const require = createRequire(join(root, 'web/report/package.json'));

function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(77);
}

if (!existsSync(browser_path)) skip(`no ${browser_path}`);
try {
  require.resolve('playwright-core');
} catch {
  skip('playwright-core is not installed: run npm ci in web/report');
}
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

let failures = 0;
function expect(holds, what) {
  if (holds) return;
  failures += 1;
  console.log(`FAILED: ${what}`);
}

mkdirSync(folder, { recursive: true });
execFileSync(program, [folder], { stdio: 'inherit' });
const browser = await chromium.launch({ executablePath: browser_path, args: ['--no-sandbox'] });

function silent() {
  const logger = { level: () => logger, error: () => logger, warn: () => logger, info: () => logger, debug: () => logger };
  return logger;
}

// Opens a report in a fresh context without network and waits until its figures are drawn.
async function open(name, { width = 1280, height = 900, scheme = 'light', scripts = true } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, offline: true, javaScriptEnabled: scripts });
  const page = await context.newPage();
  const heard = [];
  page.on('console', (message) => heard.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => heard.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith('file:')) heard.push(`request: ${request.url()}`);
  });
  const file = join(folder, `${name}.html`);
  await page.goto(pathToFileURL(file).href);
  if (scripts) await page.waitForFunction(() => document.documentElement.dataset.ready, null, { timeout: 60000 });
  return { context, page, heard, file };
}

// What every report must satisfy on every screen.
async function sound(name, options, marks) {
  const { context, page, heard, file } = await open(name, options);
  const seen = await page.evaluate((least) => ({
    ready: Number(document.documentElement.dataset.ready),
    failed: document.documentElement.dataset.failed,
    broken: document.documentElement.dataset.broken,
    figures: document.querySelectorAll('.plot').length,
    drawn: [...document.querySelectorAll('.plot svg')].filter((svg) => svg.querySelectorAll('path, line, text').length > least).length + document.querySelectorAll('.plot.empty').length,
    empty: document.querySelectorAll('.plot.empty').length,
    strange: [...document.querySelectorAll('img, iframe, object, embed, [onerror], [onload]')].length,
    scripts: document.scripts.length,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }), name === 'edges' ? 1 : 8);
  const what = `${name} ${JSON.stringify(options)}`;
  expect(heard.length === 0, `${what}: the console said ${heard.slice(0, 3).join(' | ')}`);
  expect(seen.failed === '0', `${what}: ${seen.failed} figures failed`);
  expect(seen.broken === undefined, `${what}: a text became code`);
  expect(seen.strange === 0, `${what}: ${seen.strange} elements that no report has`);
  expect(seen.scripts === 2, `${what}: ${seen.scripts} scripts`);
  expect(seen.figures > 0 && seen.drawn === seen.figures, `${what}: ${seen.drawn} of ${seen.figures} figures drawn`);
  expect(seen.empty === (name === 'edges' ? 18 : 0), `${what}: ${seen.empty} figures say that they have no values`);
  expect(seen.overflow <= 0, `${what}: ${seen.overflow} px wider than the screen`);
  expect(statSync(file).size <= 1000000, `${what}: ${statSync(file).size} bytes`);
  if (marks) await marks(page, what);
  console.log(`${what}: ${seen.figures} figures ready after ${seen.ready} ms, ${statSync(file).size} bytes`);
  return { context, page };
}

async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  for (const violation of violations)
    expect(false, `${what}: axe: ${violation.id}: ${violation.help}: ${violation.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
}

// The script draws what the tables say: as many bars as rows, a path per line.
async function faithful(page, what) {
  const wrong = await page.evaluate(() => {
    const { figures } = JSON.parse(document.getElementById('figures').textContent);
    const marks = { bars: '.mark-rect.role-mark > path', histogram: '.mark-rect.role-mark > path', heatmap: '.mark-rect.role-mark > path',
      points: '.mark-symbol.role-mark > path', reliability: '.mark-symbol.role-mark > path', intervals: '.mark-symbol.role-mark > path' };
    return figures.filter(({ kind }) => kind in marks).map(({ id, kind }) => {
      const section = document.getElementById(id);
      return { kind, rows: section.querySelectorAll('tbody tr').length, marks: section.querySelectorAll(marks[kind]).length };
    }).filter(({ rows, marks }) => rows !== marks);
  });
  expect(wrong.length === 0, `${what}: marks and rows differ: ${JSON.stringify(wrong)}`);
}

for (const scheme of ['light', 'dark']) {
  for (const width of [1280, 820, 360]) {
    const { context, page } = await sound('sample', { scheme, width }, faithful);
    await page.screenshot({ path: join(folder, `report-${scheme}-${width}.png`), fullPage: true });
    if (width !== 820) await accessible(page, `${scheme} ${width}`);
    await context.close();
  }
}
for (const name of ['hostile', 'full']) {
  const { context, page } = await sound(name, { width: 1280 }, faithful);
  await page.screenshot({ path: join(folder, `report-${name}.png`), fullPage: name === 'hostile' });
  await context.close();
}

for (const width of [1280, 360]) {
  const { context, page } = await sound('edges', { width }, async (edges, what) => {
    const wrong = await edges.evaluate(() => [...document.querySelectorAll('.plot svg')]
      .filter((svg) => /NaN|Infinity|undefined|null/.test(svg.outerHTML) || svg.getBoundingClientRect().height < 40)
      .map((svg) => svg.closest('section').id));
    expect(wrong.length === 0, `${what}: strange drawings in ${wrong}`);
  });
  await page.screenshot({ path: join(folder, `report-edges-${width}.png`), fullPage: true });
  await context.close();
}

// A narrow window redraws the figures.
{
  const { context, page } = await open('sample');
  await page.setViewportSize({ width: 420, height: 800 });
  const fits = () => [...document.querySelectorAll('.plot')].every((plot) => Math.abs(plot.querySelector('svg').viewBox.baseVal.width - plot.clientWidth) <= 1);
  await page.waitForFunction(fits, null, { timeout: 20000 }).catch(() => expect(false, 'figures were not redrawn for the new width'));
  await context.close();
}
// Keyboard: the first stop skips to the report; details open by Enter.
{
  const { context, page } = await open('sample');
  await page.keyboard.press('Tab');
  expect((await page.evaluate(() => document.activeElement.className)) === 'skip', 'the first stop of the keyboard is not the skip link');
  await page.locator('.figure summary').first().focus();
  await page.keyboard.press('Enter');
  expect(await page.locator('.figure details').first().evaluate((details) => details.open), 'a data table does not open by keyboard');
  await page.screenshot({ path: join(folder, 'report-open.png') });
  await context.close();
}
// Without scripts the words and data are there.
{
  const { context, page } = await open('sample', { scripts: false });
  await page.locator('.figure summary').first().click();
  expect(await page.locator('.figure details table').first().isVisible(), 'without scripts no data table is seen');
  await context.close();
}
// The policy holds: what an intruder would add does not run.
{
  const { context, page, heard } = await open('sample');
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'document.documentElement.dataset.broken = 1';
    document.body.append(script);
  });
  // The browser's own tools may evaluate: the question is put from a timer, where only the page's rights hold.
  const evaluated = await page.evaluate(() => new Promise((tell) => setTimeout(() => { try { tell((0, eval)('1')); } catch { tell('refused'); } })));
  expect((await page.evaluate(() => document.documentElement.dataset.broken)) === undefined, 'an added script ran');
  expect(evaluated === 'refused', 'eval is allowed');
  expect(heard.some((words) => words.includes('Content Security Policy')), 'the policy did not speak of the added script');
  await context.close();
}
{
  const { context, page } = await open('sample');
  const pdf = await page.pdf({ path: join(folder, 'report.pdf'), format: 'A4' });
  const sheets = (pdf.toString('latin1').match(/\/Type \/Page\b/g) ?? []).length;
  expect(sheets >= 3 && sheets <= 14, `printed, the sample takes ${sheets} sheets`);
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 720, height: 1000 });
  await page.screenshot({ path: join(folder, 'report-print.png'), fullPage: true });
  await context.close();
}
// The Vega-Lite of the JSON form stands by itself: it compiles and draws without the page.
{
  const { compile } = await import(pathToFileURL(require.resolve('vega-lite')));
  const { parse, View } = await import(pathToFileURL(require.resolve('vega')));
  const report = JSON.parse(readFileSync(join(folder, 'sample.json'), 'utf8'));
  const figures = report.blocks.filter((block) => block.type === 'figure');
  for (const { title, vega_lite } of figures) {
    const svg = await new View(parse(compile(vega_lite, { logger: silent() }).spec)).toSVG();
    const marks = (svg.match(/<(path|line|text)/g) ?? []).length;
    expect(marks > 8 && !svg.includes('var(--') && !svg.includes('NaN'), `the Vega-Lite form of "${title}" draws ${marks} marks`);
  }
}
await browser.close();
console.log(failures ? `${failures} failures` : 'all well');
process.exit(failures ? 1 : 0);
