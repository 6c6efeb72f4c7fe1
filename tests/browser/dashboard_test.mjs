// The dashboard as people use it.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openPage, runCases, startBrowser, startFixture } from './browser.mjs';

const SCREENSHOTS = process.env.SCREENSHOTS || 'screenshots';
mkdirSync(SCREENSHOTS, { recursive: true });

const browser = await startBrowser();

/** Opens the dashboard on a fresh cluster, runs the body, and looks for what should not have happened. */
const onDashboard = (query, body, options = {}) => async () => {
  const fixture = await startFixture();
  let page;
  try {
    page = await openPage(browser, fixture.url + '/' + query, options);
    await page.waitForSelector('#rows tr.row');
    await body(page, fixture);
    assert.deepEqual(page.troubles, []);
  } finally {
    if (page) await page.context().close();
    assert.equal(await fixture.end(), 0);
  }
};
const row = (page, id) => page.locator('#rows tr.row', { has: page.locator('td.id', { hasText: new RegExp(`^${id}$`) }) });
const size = (page, fleet) => page.locator('#sizes > li', { has: page.locator('.name', { hasText: new RegExp(`^${fleet}$`) }) });
const text = (page, selector) => page.locator(selector).innerText();
const shot = (page, name) => page.screenshot({ path: join(SCREENSHOTS, name + '.png') });

const cases = [
  ['shows cluster, master, session and the age of the data', onDashboard('', async (page) => {
    assert.match(await text(page, 'h1'), /muster\s+production/);
    assert.match(await text(page, '#master'), /muster-2 epoch 17 · 49 min/);
    assert.match(await text(page, '#session'), /connected 10\.4\.0\.5:2181/);
    assert.match(await text(page, '#age'), /live · \d\.\d s/);
    assert.equal(await page.locator('#nodes li').count(), 3);
    assert.equal(await page.locator('#groups li').count(), 6);
    assert.equal(await text(page, '#matched'), '103');
    assert.match(await text(page, '#groups li:nth-child(2)'), /checkout PANIC/);
    await shot(page, 'overview');
  })],

  ['shows trouble first', onDashboard('', async (page) => {
    const states = await page.locator('#rows td.state').allInnerTexts();
    assert.equal(states.findIndex((s) => s !== 'DOWN'), 9);
  })],

  ['shows a backend that goes down, live, and the event', onDashboard('?q=web-01', async (page, fixture) => {
    assert.equal(await row(page, 'web-01').locator('td.state').innerText(), 'UP');
    fixture.say('down web web-01');
    await row(page, 'web-01').locator('td.state', { hasText: 'DOWN' }).waitFor();
    assert.match(await text(page, '#events li:first-child'), /web\/web-01 went DOWN: L4CON/);
    fixture.say('up web web-01');
    await row(page, 'web-01').locator('td.state', { hasText: 'UP' }).waitFor();
  })],

  ['filters by text, state and group, and keeps the filter in the address', onDashboard('', async (page) => {
    await page.keyboard.press('/');
    await page.keyboard.type('web fra-c');
    await page.waitForFunction(() => document.querySelector('#matched').textContent.startsWith('8 of 103'));
    assert.equal(new URL(page.url()).searchParams.get('q'), 'web fra-c');
    await page.keyboard.press('Escape');
    await page.click('#state-down');
    await page.waitForFunction(() => document.querySelector('#matched').textContent.startsWith('9 of 103'));
    await page.click('#groups button:has-text("web")');
    await page.waitForFunction(() => document.querySelector('#matched').textContent.startsWith('2 of 103'));
    assert.equal(new URL(page.url()).search, '?group=web&state=down');

    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll('#rows tr.row').length === 2);
    assert.equal(await page.getAttribute('#state-down', 'aria-pressed'), 'true');
    await page.click('#group-filter');
    await page.waitForFunction(() => document.querySelectorAll('#rows tr.row').length === 9);
  })],

  ['says so when nothing fits, and clears the filter', onDashboard('?state=up', async (page) => {
    await page.fill('#q', 'no such backend');
    await page.waitForSelector('#empty:not([hidden])');
    await page.click('#clear');
    await page.waitForFunction(() => document.querySelector('#matched').textContent === '103');
  })],

  ['explains a backend: opens by keyboard, shows why and the last results', onDashboard('?q=web-18', async (page) => {
    await row(page, 'web-18').focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('.why .ticks');
    const why = await text(page, '.why');
    assert.match(why, /DOWN for 11 min: a status code that is not expected \(L7STS\)/);
    assert.match(why, /2 successes in a row make it UP; 1 so far/);
    assert.match(why, /out of rotation: it is DOWN/);
    assert.equal(await page.locator('.ticks i').count(), 64);
    assert.equal(await page.locator('.ticks i.failure').count(), 19);
    assert.equal(new URL(page.url()).searchParams.get('open'), 'web/web-18');
    await shot(page, 'why');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.why', { state: 'detached' });
  })],

  ['moves through the rows by arrow keys', onDashboard('?group=db-replicas', async (page) => {
    await row(page, 'db-replicas-01').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.match(await page.evaluate(() => document.activeElement.innerText), /db-replicas-03/);
  })],

  ['shows the load balancers of each fleet, and which are behind', onDashboard('', async (page, fixture) => {
    const lb = (name) => page.locator('#lbs li.lb', { has: page.locator('.name', { hasText: name }) });
    assert.equal(await text(page, '#lb-count'), '3');
    assert.deepEqual(await page.locator('#lbs li.fleet').allInnerTexts(), ['edge\n1 / 3 in step', 'internal\nno agent']);
    assert.match(await lb('lb-1').innerText(), /lb-1 haproxy\s+10\.4\.0\.21:443\s+generation: fleet 4 · web 4\s+newest status of 4\d s ago · reported 4\d s ago$/);
    assert.equal(await lb('lb-1').locator('.mark.up').count(), 1);
    assert.match(await lb('lb-2').innerText(), /web 3 of 4/);
    assert.match(await lb('lb-2').innerText(), /behind for 1 min: group web: has generation 3 of 4 · haproxy -c: no such file/);
    assert.equal(await lb('lb-2').locator('.mark.degraded').count(), 1);
    assert.match(await lb('lb-3').innerText(), /does not accept/);
    fixture.say('catch-up lb-2');
    await page.locator('#lbs li.fleet', { hasText: '2 / 3 in step' }).waitFor();
    assert.doesNotMatch(await lb('lb-2').innerText(), /behind/);
    fixture.say('lose-lb lb-3');
    await page.locator('#lbs li.fleet', { hasText: '2 / 2 in step' }).waitFor();
    assert.equal(await lb('lb-3').count(), 0);
  })],

  ['shows how large fleets are, why, what goes on and what is waited for', onDashboard('', async (page, fixture) => {
    assert.equal(await text(page, '#size-count'), '2');
    await size(page, 'edge').locator('.because', { hasText: '4 -> 6: connections wants 7' }).waitFor();
    const edge = await size(page, 'edge').innerText();
    assert.match(edge, /edge\s+6 LBs, 4 in service\s+2 to 8 allowed\s+data missing: 1 metric\s+growing/);
    assert.match(edge, /budget makes it 6: .* · decided \d s ago/);
    assert.match(edge, /growing: 2 LBs being made \(1 booting, 1 creating\), for 4\d s · should be done by \d\d:\d\d:\d\d/);
    assert.match(edge, /edge-7-2 waits: the first of a change goes alone/);
    const internal = await size(page, 'internal').innerText();
    assert.match(internal, /internal\s+2 LBs, 2 in service\s+2 to 4 allowed\s+PAUSED: in/);
    assert.match(internal, /nothing was decided yet in this term of office/);
    assert.match(internal, /paused, nothing is removed · by alice: migration of the database, until \d\d:\d\d:\d\d/);
    fixture.say('scaled');
    await size(page, 'edge').locator('.now', { hasText: '6 LBs, 6 in service' }).waitFor();
    await size(page, 'edge').locator('.because', { hasText: 'stays 6: connections wants 5' }).waitFor();
    await size(page, 'edge').locator('.lines', { hasText: /not below 6 before \d\d:\d\d:\d\d: so many were recommended at/ }).waitFor();
    assert.doesNotMatch(await size(page, 'edge').innerText(), /growing/);
    fixture.say('scaled-lb-down');
    await size(page, 'edge').locator('.now', { hasText: '6 LBs, 6 in service, 1 down' }).waitFor();
    fixture.say('scaling-stops');
    await size(page, 'edge').locator('.tags', { hasText: /STOPPED.*creates fail/s }).waitFor();
    assert.match(await size(page, 'edge').innerText(), /nothing is done: the fleet has 6 instances by its state and 3 by its records/);
    fixture.say('pause');
    await size(page, 'internal').locator('.tags', { hasText: 'PAUSED in the cluster' }).waitFor();
    await shot(page, 'scaling-stopped');
  })],

  ['explains a size: opens by keyboard, keeps it in the address, shows metrics, clamps, LBs and the past', onDashboard('', async (page, fixture) => {
    const button = size(page, 'edge').locator('button');
    await button.focus();
    await page.keyboard.press('Enter');
    assert.equal(await button.getAttribute('aria-expanded'), 'true');
    assert.equal(new URL(page.url()).searchParams.get('scaling'), 'edge');
    const detail = page.locator('#' + await button.getAttribute('aria-controls'));
    await detail.locator('.plot').waitFor();
    assert.match(await detail.locator('.plot').getAttribute('aria-label'), /^size over 29 min: 2 to 6, now 6$/);
    const cells = (caption) => detail.locator('table', { has: page.locator('caption', { hasText: new RegExp(`^${caption}$`) }) }).locator('tbody tr');
    const rows = async (caption) => (await cells(caption).allInnerTexts()).map((r) => r.replace(/\s+/g, ' ').trim());
    assert.match((await rows('Metrics'))[0], /^connections 6800 4 of 4 LBs · 4 s old 1000 for each instance, of the total 7 ceil\(6800 \/ 1000\)/);
    assert.match((await rows('Metrics'))[1], /^cpu 3 instances, 55 to 61, 174 in all 9 s old · may raise, not lower 70 % of each instance's capacity /);
    assert.equal(await cells('Metrics').locator('.mark.degraded').count(), 1);
    assert.match((await rows('Held back'))[0], /^7 6 budget 2 more may be added/);
    assert.match((await rows('Would be another size'))[0], /^connections no value /);
    const lbs = await rows('LBs');
    assert.equal(lbs.length, 6);
    assert.match(lbs[4], /^booting edge-7-1 1\d s muster-3 10\.4\.0\.25:443 – the machine is there/);
    assert.match(await detail.innerText(), /told by muster-1/);
    await shot(page, 'scaling');
    await page.reload();
    await size(page, 'edge').locator('.plot').waitFor();
    fixture.say('no-notes');
    await size(page, 'edge').locator('.because', { hasText: 'only the master knows: ' }).waitFor();
    assert.match(await size(page, 'edge').innerText(), /6 LBs, 4 in service/);
    await size(page, 'edge').locator('button').focus();
    await page.keyboard.press('Enter');
    await size(page, 'edge').locator('.size-detail').waitFor({ state: 'hidden' });
    assert.equal(new URL(page.url()).search, '');
  })],

  ['shows pauses, a silent ZooKeeper and another master', onDashboard('', async (page, fixture) => {
    fixture.say('pause');
    await page.locator('#banners', { hasText: 'PAUSED in the whole cluster: all' }).waitFor();
    fixture.say('silence');
    await page.locator('#banners', { hasText: /ZooKeeper has been silent for 3\d s/ }).waitFor();
    assert.match(await text(page, '#age'), /cached · 3\d s/);
    await shot(page, 'cached');
    fixture.say('speak');
    fixture.say('resume');
    fixture.say('master muster-3');
    await page.locator('#master', { hasText: 'muster-3' }).waitFor();
    await page.waitForFunction(() => document.querySelector('#banners').childElementCount === 0);
    assert.equal(await page.locator('#nodes li:nth-child(3) .tag.master').count(), 1);
  })],

  ['says that it is disconnected when the node dies, and since when', async () => {
    const fixture = await startFixture();
    const page = await openPage(browser, fixture.url);
    await page.waitForSelector('#rows tr.row');
    assert.equal(await fixture.end(), 0);
    await page.locator('#banners', { hasText: /Disconnected from this node, data from \d\d:\d\d:\d\d/ }).waitFor();
    assert.equal(await page.locator('#rows tr.row').count(), 103);
    await shot(page, 'disconnected');
    await page.context().close();
  }],

  ['shows hostile names and texts as text', onDashboard('', async (page, fixture) => {
    fixture.say('hostile');
    await page.locator('#groups', { hasText: '<script>window.hacked=1</script>' }).waitFor();
    await page.locator('#events', { hasText: '<img src=x onerror=' }).waitFor();
    await page.locator('#banners', { hasText: '<img src=x onerror=' }).waitFor();
    const lb = page.locator('#lbs li.lb', { hasText: '<script>window.hacked=1</script>' });
    await lb.waitFor();
    for (const part of ['.name', '.count', '.wide', '.note']) assert.match(await lb.locator(part === '.count' ? 'span.small:not(.wide)' : part).first().innerText(), /<(img|script)/);
    await page.locator('#lbs li.fleet', { hasText: '<img src=x onerror=' }).waitFor();
    await page.locator('#sizes .name', { hasText: '<img src=x onerror=' }).waitFor();
    await size(page, 'edge').locator('button').click();
    await size(page, 'edge').locator('.plot').waitFor();
    const edge = await size(page, 'edge').innerText();
    for (const part of ['nothing is done: <img', 'by <img', 'changing: 2 LBs being made']) assert.ok(edge.includes(part), part);
    assert.match(edge, /4 -> 6: <script>.* wants 7/);
    assert.match(await size(page, 'edge').locator('.size-detail').innerText(), /<img src=x onerror="window\.hacked=1">\s+<script>/);
    await row(page, 'web-01').click();
    await page.locator('.why', { hasText: '<img src=x' }).waitFor();
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator('main script, main img, main svg:not(.plot), .plot :not(path), #banners img').count(), 0);
    assert.equal(await page.locator('a[href^="javascript"]').count(), 0);
    await shot(page, 'hostile');
  })],

  ['keeps up with 5,000 backends', onDashboard('', async (page, fixture) => {
    fixture.say('many 5000');
    await page.waitForFunction(() => document.querySelector('#matched').textContent.startsWith('5103 of 5103'));
    await page.waitForFunction(() => document.querySelectorAll('#rows tr.row').length === 500);
    await page.click('#more button');
    await page.waitForFunction(() => document.querySelectorAll('#rows tr.row').length === 2000);
    fixture.say('down api api-16');
    await row(page, 'api-16').locator('td.state', { hasText: 'DOWN' }).waitFor();
  })],

  ['is legible in the dark and on a narrow screen', onDashboard('', async (page) => {
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.ok(background.match(/\d+/g).every((part) => Number(part) < 60), background);
    await shot(page, 'dark');
    await page.setViewportSize({ width: 480, height: 900 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page scrolls sideways');
    await shot(page, 'narrow');
    await size(page, 'edge').locator('button').click();
    await size(page, 'edge').locator('.plot').waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page scrolls sideways');
    await shot(page, 'narrow-scaling');
    await page.setViewportSize({ width: 1440, height: 900 });
    await shot(page, 'dark-scaling');
  }, { colorScheme: 'dark' })],

  ['has a table of the groups for readers without scripts', async () => {
    const fixture = await startFixture();
    const page = await openPage(browser, fixture.url, { javaScriptEnabled: false });
    assert.match(await text(page, '.plain'), /Cluster production, master muster-2, 3 nodes/);
    assert.equal(await page.locator('.plain tr').count(), 7);
    await page.context().close();
    assert.equal(await fixture.end(), 0);
  }],

  ['asks for the token where one is needed, and opens with it', async () => {
    const fixture = await startFixture('the-token-of-this-test');
    const page = await openPage(browser, fixture.url);
    await page.waitForSelector('#login:not([hidden])');
    await page.fill('#token', 'wrong');
    await page.keyboard.press('Enter');
    await page.locator('#login-problem', { hasText: 'That is not the token.' }).waitFor();
    await page.fill('#token', 'the-token-of-this-test');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#rows tr.row');
    assert.equal(await page.evaluate(() => document.cookie), '', 'scripts must not see the cookie');
    const paused = await page.evaluate(() => fetch('/api/v1/nodes/self/pause', { method: 'POST' }).then((r) => r.status));
    assert.equal(paused, 401, 'the cookie is for reads');
    await page.context().close();
    assert.equal(await fixture.end(), 0);
  }],
];

await runCases('dashboard', cases, process.env.REPORT);
await browser.close();
