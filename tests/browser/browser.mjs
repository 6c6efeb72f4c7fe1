// What the tests need of the outside: the fixture as a child, Chromium on it, and a list of cases that ends in
// a JUnit report.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';

/** The made-up cluster of dashboard_fixture.cpp. `say` changes it; `end` waits until the child has gone. */
export async function startFixture(...args) {
  const child = spawn(process.env.DASHBOARD_FIXTURE, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal || code)));
  const port = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(Number(line.split(' ')[1])));
    gone.then((how) => reject(new Error(`the fixture ended at once: ${how}`)));
    child.once('error', reject);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    say: (line) => child.stdin.write(line + '\n'),
    end: () => { child.stdin.end(); return gone; },
  };
}

export async function startBrowser() {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}: install Debian's chromium`);
  return chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking',
      '--disable-component-update', '--disable-domain-reliability', '--disable-sync', '--no-first-run',
      '--no-default-browser-check', '--no-pings', '--metrics-recording-only', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'],
  });
}

/** A page that collects everything that should not happen: console errors, exceptions, requests to elsewhere. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.troubles = [];
  page.on('console', (m) => { if (m.type() === 'error') page.troubles.push(`console: ${m.text()}`); });
  page.on('pageerror', (e) => page.troubles.push(`exception: ${e.message}`));
  page.on('request', (r) => {
    if (!r.url().startsWith(new URL(url).origin)) page.troubles.push(`request to elsewhere: ${r.url()}`);
  });
  page.setDefaultTimeout(10_000);
  await page.goto(url);
  return page;
}

const escaped = (text) => String(text).replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Runs [name, async function] pairs one after the other; the exit code tells. */
export async function runCases(suite, cases, report) {
  const lines = [];
  let failed = 0;
  for (const [name, run] of cases) {
    const start = performance.now();
    let failure = '';
    try { await run(); } catch (e) { failure = e.stack || String(e); failed += 1; }
    const seconds = ((performance.now() - start) / 1000).toFixed(2);
    console.log(`${failure ? 'FAILED' : 'ok    '} ${name} (${seconds} s)${failure ? '\n' + failure : ''}`);
    lines.push(`<testcase classname="${suite}" name="${escaped(name)}" time="${seconds}">`
      + (failure ? `<failure message="${escaped(failure)}"/>` : '') + '</testcase>');
  }
  if (report) {
    mkdirSync(dirname(report), { recursive: true });
    writeFileSync(report, `<testsuites><testsuite name="${suite}">${lines.join('\n')}</testsuite></testsuites>\n`);
  }
  console.log(`${cases.length - failed} of ${cases.length} cases passed`);
  process.exitCode = failed ? 1 : 0;
}
