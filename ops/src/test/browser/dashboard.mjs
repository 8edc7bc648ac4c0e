// What somebody does with the dashboard, done by a browser; started by DashboardIT, which does at the fleet what is asked for
// in lines that begin with `please`, and answers `done`.
//
//   SYMBIONT_URL           the gateway
//   SYMBIONT_GUARDED_URL   another gateway of the same fleet, which asks for keys
//   SYMBIONT_KEY           one that opens it
//   SYMBIONT_BROWSER       the program
//   SYMBIONT_SCREENSHOTS   where to keep what was seen

import assert from 'node:assert/strict';
import { createInterface } from 'node:readline/promises';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const { SYMBIONT_URL: url, SYMBIONT_GUARDED_URL: guarded, SYMBIONT_KEY: key, SYMBIONT_BROWSER: program, SYMBIONT_SCREENSHOTS: folder } = process.env;
const PATIENCE_MS = 15_000;
const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 } },
};
const HOSTILE = '<img src=x onerror="window.hostile = true"><script>window.hostile = true</script>';

const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
const terminal = createInterface({ input: process.stdin });
const answers = terminal[Symbol.asyncIterator]();
const faults = [];
let expected = 'nothing'; // what the console may say just now

async function please(what) {
  console.log(`please ${what}`);
  assert.equal((await answers.next()).value, 'done');
}

async function open(look, base = url, path = '/dashboard') {
  const context = await browser.newContext(LOOKS[look]);
  context.setDefaultTimeout(PATIENCE_MS);
  await context.addInitScript({ content: axe.source });
  const page = await context.newPage();
  page.on('console', (message) => {
    const text = message.text();
    if (['error', 'warning'].includes(message.type()) && !text.includes(expected)) {
      faults.push(`${look}: the console says: ${text}`);
    }
  });
  page.on('pageerror', (e) => faults.push(`${look}: ${e.stack}`));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(base).origin) {
      faults.push(`${look}: it asks a stranger: ${request.url()}`);
    }
  });
  await page.goto(base + path);
  return page;
}

const heading = (page, name) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const says = (page, text) => page.getByRole('status').filter({ hasText: text }).waitFor();
const value = (page, name) => page.locator('.tile', { has: page.getByText(name, { exact: true }) }).locator('.value');
const dollars = async (page, name) => Number((await value(page, name).textContent()).replaceAll(/[$,]/g, ''));
const go = (page, name) => page.getByRole('link', { name, exact: true }).first().click();

async function until(what, check) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await check())) {
    assert.ok(Date.now() < end, `it never came to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function json(path, method = 'GET', body = undefined) {
  const response = await fetch(url + path, { method, body: body && JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
  return response.json();
}

async function setAside(id) {
  await json('/queue', 'POST', { id, task: `[[sim:crash]] ${HOSTILE}`, force_tier: 'opus', labels: { team: 'red' } });
  await until(`${id} is set aside`, async () => (await json(`/tasks/${id}`)).status === 'set_aside');
}

async function tryIt(name, work) {
  const began = Date.now();
  await work();
  console.log(`${name}: ${((Date.now() - began) / 1_000).toFixed(1)} s`);
}

const page = await open('light');

await tryIt('a fleet that has done nothing shows so', async () => {
  await heading(page, 'Overview');
  await page.getByText('No calls yet.').waitFor();
  await go(page, 'Tasks');
  await page.getByText('No tasks yet.').waitFor();
  await go(page, 'Dead letters');
  await page.getByText('Nothing is set aside.').waitFor();
});

await tryIt('a task is submitted with the keyboard, runs, ends and costs', async () => {
  await page.goto(`${url}/dashboard/`);
  await value(page, 'Spent today').waitFor();
  const before = await dollars(page, 'Spent today');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter'); // skips to the content
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.getByRole('banner').getByRole('link', { name: 'Submit a task' }).focus();
  await page.keyboard.press('Enter');
  await heading(page, 'Submit a task');
  await page.keyboard.type(`[[sim:ok delay=2]] Summarize this email: the meeting moved to Friday ${HOSTILE}`);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter'); // More
  await page.getByLabel('Labels').fill('team=blue');
  await page.screenshot({ path: `${folder}/light-submitting.png`, fullPage: true });
  await page.getByRole('button', { name: 'Submit', exact: true }).press('Enter');
  await says(page, 'accepted');
  await page.locator('.tile .state', { hasText: 'running' }).waitFor();
  await page.getByRole('button', { name: 'Cancel this task…' }).waitFor();
  await page.screenshot({ path: `${folder}/light-task-running.png`, fullPage: true });
  await page.locator('.tile .state', { hasText: 'succeeded' }).waitFor();
  assert.ok(await dollars(page, 'Cost') > 0);
  const events = await page.locator('.events strong').allTextContents();
  assert.deepEqual([events[0], events.at(-1)], ['accepted', 'succeeded']);
  await page.getByText('A made-up answer').waitFor();
  await go(page, 'Overview');
  await until('it costs more', async () => (await value(page, 'Spent today').count()) === 1 && (await dollars(page, 'Spent today')) > before);
});

await tryIt('a task is found and cancelled', async () => {
  await json('/queue', 'POST', { id: 'slow', task: '[[sim:hang]] forever', force_tier: 'haiku' });
  await go(page, 'Tasks');
  await page.getByLabel('Text').fill('forever');
  await page.getByLabel('Tier').selectOption('haiku');
  await page.keyboard.press('Tab');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByText('1 task, newest first').waitFor();
  await page.getByRole('link', { name: 'forever' }).click();
  await page.locator('.tile .state', { hasText: 'running' }).waitFor();
  await page.getByRole('button', { name: 'Cancel this task…' }).click();
  await page.getByRole('button', { name: 'Cancel the task' }).click();
  await page.locator('.tile .state', { hasText: 'cancelled' }).waitFor();
  await page.goBack();
  await page.getByText('1 task, newest first').waitFor();
  await go(page, 'Clear');
  await page.getByText('2 tasks, newest first').waitFor();
  await page.getByLabel('Label').fill('team=nobody');
  await page.keyboard.press('Enter');
  await page.getByText('No task passes this filter.').waitFor();
});

await tryIt('there are pages', async () => {
  const many = Array.from({ length: 30 }, (_, i) => ({ id: `many-${i}`, task: `[[sim:ok]] Translate part ${i}`, force_tier: i % 2 ? 'sonnet' : 'haiku' }));
  await json('/tasks/batch', 'POST', { tasks: many });
  await go(page, 'Tasks');
  await page.getByText('25 tasks, newest first').waitFor();
  await go(page, 'Older');
  await page.getByText('7 tasks, newest first').waitFor();
  await go(page, 'Newest');
  await page.getByText('25 tasks, newest first').waitFor();
});

await tryIt('a dead letter is replayed, another is discarded', async () => {
  await setAside('dead-1');
  await setAside('dead-2');
  await go(page, 'Dead letters');
  await page.getByText('2 dead letters').waitFor();
  await page.getByRole('button', { name: 'Replay… dead-1' }).click();
  await page.getByLabel('Prompt').fill('better');
  await page.getByLabel('Tier').selectOption('sonnet');
  await page.screenshot({ path: `${folder}/light-replay.png` });
  await page.getByRole('button', { name: 'Replay', exact: true }).click();
  await says(page, 'dead-1 is on its way again');
  await until('it succeeds', async () => (await json('/tasks/dead-1')).status === 'succeeded');
  await page.getByText('1 dead letter', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Discard… dead-2' }).click();
  await page.keyboard.press('Enter'); // the focus is on the button that does nothing
  assert.equal((await json('/dead-letters')).total, 1);
  await page.getByRole('button', { name: 'Discard… dead-2' }).click();
  await page.getByRole('button', { name: 'Discard', exact: true }).click();
  await says(page, 'dead-2 is discarded');
  await page.getByText('Nothing is set aside.').waitFor();
  await page.goto(`${url}/dashboard/#/tasks/dead-1`);
  await page.locator('.events strong', { hasText: 'succeeded' }).waitFor(); // after it was set aside
});

await tryIt('a tier is paused and woken', async () => {
  await go(page, 'Live');
  await page.getByRole('button', { name: 'Pause opus' }).click();
  await says(page, 'opus is paused');
  await page.getByRole('button', { name: 'Wake opus' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Wake opus');
  assert.equal((await json('/tiers')).tiers[2].state.phase, 'paused');
  await page.keyboard.press('Enter');
  await says(page, 'opus is open again');
  await page.getByRole('button', { name: 'Pause opus' }).waitFor();
});

await page.context().close();

await tryIt('each view is seen in light, in dark and on a phone', async () => {
  await json('/queue', 'POST', { id: 'limited', task: '[[sim:limit model=sonnet reset-in=3000]] Explain tides', force_tier: 'sonnet' });
  await setAside('dead-3');
  await json('/queue', 'POST', { task: '[[sim:garbage]] Sort this', force_tier: 'haiku', allow_fallback: false });
  await until('another is set aside', async () => (await json('/dead-letters')).total === 2);
  await until('a tier is limited', async () => (await json('/tiers')).tiers[1].state.phase === 'limited');
  await Promise.all([...Object.keys(LOOKS).map(async (look) => {
    const page = await open(look);
    for (const [name, place, there] of [
      ['overview', '', '.chart canvas'], ['live', 'live', '.tiers .card'], ['tasks', 'tasks', 'tbody tr'],
      ['task', 'tasks/limited', '.events strong:text("succeeded")'], ['submit', 'submit', 'form'], ['dead-letters', 'dead-letters', 'tbody tr'],
    ]) {
      await page.evaluate((it) => (location.hash = `#/${it}`), place);
      await page.locator(there).first().waitFor();
      await page.screenshot({ path: `${folder}/${look}-${name}.png`, fullPage: true });
      await examine(page, look, name);
    }
    await page.getByRole('button', { name: 'Discard… dead-3' }).click();
    await page.getByRole('dialog').waitFor();
    await page.screenshot({ path: `${folder}/${look}-discard.png` });
    await examine(page, look, 'discard');
    await page.keyboard.press('Escape');
    await page.context().close();
  }), browseTheInterface()]);
});

async function browseTheInterface() {
  const page = await open('light', url, '/docs');
  await page.getByRole('heading', { name: 'Symbiont gateway' }).waitFor();
  await page.context().close();
}

async function examine(page, look, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${look} ${name} is ${wide} px wider than its window`);
  assert.ok(!(await page.evaluate(() => window.hostile)), `${look} ${name} runs what a task says`);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
  for (const { id, impact, nodes } of violations) {
    if (['serious', 'critical'].includes(impact)) {
      faults.push(`${look} ${name}: ${id}: ${nodes.map((it) => `${it.html} ${it.failureSummary}`).join('; ')}`);
    }
  }
}

await tryIt('a gateway that asks for keys opens its page, and its data to a key', async () => {
  const file = await fetch(`${guarded}/dashboard/`);
  assert.equal(file.status, 200);
  assert.match(file.headers.get('Content-Security-Policy'), /^default-src 'self';/);
  assert.equal((await fetch(`${guarded}/tasks`)).status, 401);
  expected = 'status of 401';
  const page = await open('light', guarded);
  const dialog = page.getByRole('dialog', { name: 'This gateway asks for a key' });
  await dialog.getByLabel('Key').fill('sym_wrong');
  await page.screenshot({ path: `${folder}/light-key.png` });
  await page.keyboard.press('Enter');
  await dialog.getByText('That key opens nothing').waitFor();
  await dialog.getByLabel('Key').fill(key);
  await page.keyboard.press('Enter');
  await value(page, 'Spent today').waitFor();
  expected = 'nothing';
  await page.goto(`${guarded}/dashboard/#/tasks/limited`);
  await page.reload();
  await page.locator('.events strong', { hasText: 'succeeded' }).waitFor(); // a stream that is sent the key
  expected = 'status of 401';
  await page.getByRole('button', { name: 'Forget key' }).click();
  await dialog.waitFor();
  await page.context().close();
});

await tryIt('it says who is away, and goes on when they are back', async () => {
  expected = 'Failed to load resource';
  const page = await open('phone');
  const trouble = page.getByRole('alert');
  await go(page, 'Live');
  await page.locator('.tiers .card').first().waitFor();
  await page.context().setOffline(true);
  await trouble.getByText('The gateway does not answer.').waitFor();
  await page.screenshot({ path: `${folder}/phone-away.png` });
  await page.context().setOffline(false);
  await trouble.waitFor({ state: 'hidden' });
  await please('stop ledger');
  await trouble.getByText('The ledger is away').waitFor();
  await please('start ledger');
  await trouble.waitFor({ state: 'hidden' });
  await page.context().close();
});

await browser.close();
terminal.close();
assert.deepEqual(faults, []);
console.log('all of it works');
