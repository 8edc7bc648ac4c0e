// What the fleet is doing now: tiers, queues, workers.

import { call, get, Problem } from '../api.js';
import { h, table } from '../dom.js';
import { count, duration, plural, time, until, usd, words } from '../format.js';
import { loading, nothing, section, state, tile } from '../parts.js';
import { watch } from '../watch.js';

const EVERY_MS = 2_500;
const TICK_MS = 1_000;

export function live({ show, named, say, act, signal }) {
  named('Live');
  show(loading());
  let known = null;

  async function look() {
    const [tiers, status] = await Promise.all([get('/tiers', {}, signal), get('/status', {}, signal).catch(withoutRight)]);
    known = { ...tiers, status };
    render();
  }

  function render() {
    const { tiers, budgets, status } = known;
    show(
      h('dl', { class: 'tiles' },
        tile('Queued', status ? count(status.queue_size ?? 0) : '–', 'tasks neither running nor ended'),
        tile('Running', count(sum(tiers, 'running')), 'calls under way'),
        tile('Waiting', count(sum(tiers, 'waiting')), 'messages in the tiers’ queues'),
        tile('Parked', count(sum(tiers, 'parked')), 'until a tier opens')),
      section('Tiers', h('ul', { class: 'tiers' }, tiers.map(card))),
      budgets.length > 0 && section('Budgets', budgetTable(budgets)),
      section('Workers', workers(status)),
    );
  }

  function card(it) {
    const { tier, phase, until: reset, reason, utilization } = it.state;
    const open = phase === 'open';
    return h('li', { class: 'card', 'data-key': tier },
      h('div', { class: 'head' }, h('h3', {}, tier), state(phase)),
      h('p', { class: 'why' }, open ? 'Takes calls.' : reset ? ['Opens in ', h('strong', {}, until(reset)), ` (${time(reset)}).`] : 'Until it is woken.',
        reason && reason !== phase && ` ${reason}`),
      h('dl', { class: 'facts' },
        fact('Running', count(it.running)), fact('Waiting', count(it.waiting)), fact('Parked', count(it.parked)),
        fact('Spent today', usd(it.spent_today_usd)),
        h('div', { class: 'wide' }, h('dt', {}, 'Rate'), h('dd', {}, `${count(it.rate_used)} of ${count(it.rate.calls)} calls in ${duration(period(it.rate.period))}`,
          h('meter', { min: 0, max: it.rate.calls, value: it.rate_used, 'aria-label': `Rate of ${tier} used` }))),
        utilization !== null && utilization !== undefined && fact('Provider’s limit', `${Math.round(100 * utilization)} % used`)),
      open
        ? h('button', { type: 'button', onclick: () => set(tier, 'pause') }, 'Pause', h('span', { class: 'unseen' }, ` ${tier}`))
        : h('button', { type: 'button', onclick: () => set(tier, 'wake') }, 'Wake', h('span', { class: 'unseen' }, ` ${tier}`)));
  }

  const set = (tier, action) => act(async () => {
    const now = await call('POST', `/tiers/${encodeURIComponent(tier)}/${action}`);
    say(action === 'pause' ? `${tier} is paused: calls under way go on, no others begin.` : `${tier} is ${words(now.phase)} again.`);
    await look();
  });

  watch(EVERY_MS, look, signal);
  const tick = setInterval(() => known && !document.hidden && render(), TICK_MS);
  signal.addEventListener('abort', () => clearInterval(tick), { once: true });
}

/// Nothing, if the key has not the scope for it; the rest is still worth showing.
function withoutRight(e) {
  if (e instanceof Problem && e.status === 403) {
    return null;
  }
  throw e;
}

const sum = (tiers, what) => tiers.reduce((all, it) => all + it[what], 0);

const fact = (name, value) => h('div', {}, h('dt', {}, name), h('dd', {}, value));

/// Seconds of an ISO 8601 duration such as `PT1M`.
function period(text) {
  const [, hours = 0, minutes = 0, secs = 0] = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(text) ?? [];
  return Number(hours) * 3_600 + Number(minutes) * 60 + Number(secs);
}

const budgetTable = (budgets) => table({
  caption: 'Budgets of today (UTC)',
  columns: [
    { name: 'For', cell: (it) => it.scope },
    { name: 'Spent', number: true, cell: (it) => usd(it.spent_today_usd) },
    { name: 'A day', number: true, cell: (it) => usd(it.usd_per_day) },
    { name: 'When spent', cell: (it) => words(it.when_spent) },
  ],
  rows: budgets,
  key: (it) => it.scope,
});

function workers(status) {
  if (status === null) {
    return nothing('Your key does not open /status, which knows the workers.');
  }
  if (!status.workers) {
    return nothing('No ledger-writer answers, so nobody knows.');
  }
  if (status.workers.length === 0) {
    return nothing('None has been heard of. Start one with ./symbiont start.');
  }
  const rows = [...status.workers].sort((a, b) => a.role.localeCompare(b.role) || a.worker.localeCompare(b.worker));
  return table({
    caption: plural(rows.length, 'worker'),
    columns: [
      { name: 'Worker', cell: (it) => h('span', { class: 'id' }, it.worker) },
      { name: 'Role', cell: (it) => it.role },
      { name: 'Calls under way', number: true, cell: (it) => count(it.running.length) },
      { name: 'Runs for', number: true, cell: (it) => duration((Date.now() - Date.parse(it.started_at)) / 1_000) },
      { name: 'Last heard of', number: true, cell: (it) => `${duration((Date.now() - Date.parse(it.at)) / 1_000)} ago` },
    ],
    rows,
    key: (it) => it.worker,
  });
}
