// SPDX-License-Identifier: Apache-2.0
// Writes into the folder given (argument or PLIMSOLL_WEB_OUT; default: build/web of the repository):
//   report.js      Vega's core transforms, the expression interpreter and src/report.js in one script
//   report.css     the style sheet, minified
//   templates.json {kind: {vega_lite: the source, vega: the source compiled}} for every templates/KIND.vl.json
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { compile } from 'vega-lite';

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? process.env.PLIMSOLL_WEB_OUT ?? join(here, '../../build/web'));
mkdirSync(out, { recursive: true });

// Said of every figure whose height follows its rows, though only its width is asked to fit.
const harmless = /^Dropping "fit-y" because spec has discrete height/;

function compiled(source, config) {
  const complaints = [];
  const logger = {
    level: () => logger,
    error: (...words) => (complaints.push(words.join(' ')), logger),
    warn: (...words) => (harmless.test(words.join(' ')) || complaints.push(words.join(' ')), logger),
    info: () => logger,
    debug: () => logger,
  };
  const { spec } = compile(source, { config, logger });
  return { spec, complaints };
}

const sheet = readFileSync(join(here, 'src/report.css'), 'utf8');
const colours = new Map(Array.from(sheet.slice(0, sheet.indexOf('@media')).matchAll(/(--[\w-]+): (#[0-9a-f]{6})/g), (found) => [found[1], found[2]]));

// A specification for other pages: the colours of the style sheet written in.
function standalone(source) {
  const text = JSON.stringify(source).replace(/var\((--[\w-]+)\)/g, (whole, name) => {
    if (!colours.has(name)) throw new Error(`report.css has no colour ${name}`);
    return colours.get(name);
  });
  return JSON.parse(text);
}

const folder = join(here, 'templates');
const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
const templates = {};
for (const name of readdirSync(folder).filter((file) => file.endsWith('.vl.json')).sort()) {
  const source = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const { spec, complaints } = compiled(source, config);
  if (complaints.length) throw new Error(`${name}: ${complaints.join('; ')}`);
  delete spec.$schema;
  templates[name.replace('.vl.json', '')] = { vega_lite: standalone({ ...source, config }), vega: spec };
}
writeFileSync(join(out, 'templates.json'), JSON.stringify(templates));

const bundle = await build({
  entryPoints: [join(here, 'src/report.js')],
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2020',
  charset: 'ascii',
  legalComments: 'none',
  define: { 'process.env.NODE_ENV': '"production"' },
  write: false,
});
// Inside an HTML script element neither of these may stand as it is; all of them are in string or regular expression literals.
const script = bundle.outputFiles[0].text.replace(/<\/script/gi, '<\\/script').replace(/<!--/g, '<\\!--');
writeFileSync(join(out, 'report.js'), script);

const css = await transform(sheet, { loader: 'css', minify: true });
writeFileSync(join(out, 'report.css'), css.code);
console.log(`report.js ${script.length} bytes, report.css ${css.code.length}, templates ${Object.keys(templates).join(' ')}`);
