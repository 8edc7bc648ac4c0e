// What was spent, on what, and how quick the answers were.

import { get } from '../api.js';
import { bars, legend } from '../chart.js';
import { h, table } from '../dom.js';
import { count, plural, quantile, seconds, usd } from '../format.js';
import { at, loading, nothing, section, state, taskLink, tile } from '../parts.js';
import { watch } from '../watch.js';

const EVERY_MS = 4_000;
const NEWEST = 500;
const SHOWN = 8;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const RANGES = {
  hours: { name: '24 hours', unit: 'Hour (UTC)', by: 'hour,tier', step: HOUR, columns: 24, key: (it) => it.slice(0, 13) },
  days: { name: '30 days', unit: 'Day (UTC)', by: 'day,tier', step: DAY, columns: 30, key: (it) => it.slice(0, 10) },
};
/// Adding up goes through the whole ledger: it may take this part of its time.
const SHARE = 1 / 20;

export function overview({ show, content, named, signal, act }) {
  named('Overview');
  show(loading());
  let range = 'hours';
  let draw = null;
  let known = null;
  let sums = null;
  let pointed = null;
  let notBefore = 0;

  async function look() {
    const [stats, tiers, calls] = await Promise.all([
      get('/ledger/stats', {}, signal), get('/tiers', {}, signal), get('/ledger', { limit: NEWEST }, signal)]);
    known = { stats, tiers: tiers.tiers, calls: calls.entries };
    const stale = sums === null || sums.range !== range || sums.calls !== stats.total_calls || sums.hour !== hour();
    if (stale && (sums?.range !== range || performance.now() > notBefore)) {
      await addUp(stats.total_calls);
    }
    render();
  }

  async function addUp(calls) {
    const began = performance.now();
    const wanted = range;
    const groups = (await get('/ledger/stats', { group_by: RANGES[wanted].by }, signal)).groups;
    notBefore = performance.now() + (performance.now() - began) / SHARE;
    sums = { range: wanted, calls, hour: hour(), ...columns(RANGES[wanted], groups, known.tiers.map((it) => it.state.tier)) };
    pointed = null;
  }

  function render() {
    const today = known.stats.by_date[new Date().toISOString().slice(0, 10)] ?? { calls: 0, cost: 0 };
    const { tiers, calls, stats } = known;
    const tasks = calls.filter((it) => it.purpose === 'task');
    const took = tasks.filter((it) => it.success).map((it) => it.elapsed_seconds);
    const failed = calls.filter((it) => !it.success).length;
    show(
      calls.some((it) => it.simulated) && h('p', { class: 'hint' }, 'Some of the newest calls are simulated: made up, and not paid.'),
      h('dl', { class: 'tiles' },
        tile('Spent today', usd(today.cost), `${usd(stats.total_cost_estimated_usd)} in all`),
        tile('Calls today', count(today.calls), `${count(stats.total_calls)} in all`),
        tile('Latency', took.length ? seconds(quantile(took, 0.5)) : '–', took.length ? `${seconds(quantile(took, 0.95))} at the 95th percentile` : 'no calls yet'),
        tile('Failed', calls.length ? `${(100 * failed / calls.length).toFixed(1)} %` : '–', `of the newest ${plural(calls.length, 'call')}`)),
      section('Spend over time by tier', h('div', { class: 'card' }, chosen(), chart())),
      section('By tier', byTier(tiers, calls)),
      section('Newest calls', calls.length === 0
        ? nothing('No calls yet. ', h('a', { href: '#/submit' }, 'Submit a task'), ' to make the first.')
        : newest(calls.slice(0, SHOWN))),
    );
    const box = content.querySelector('.chart');
    draw ??= bars(box, (index) => {
      if (pointed !== index) {
        pointed = index;
        render();
      }
    }, signal);
    if (box && box.drawn !== sums) {
      box.drawn = sums;
      draw(sums);
    }
  }

  const chosen = () => h('fieldset', { class: 'choice' }, h('legend', { class: 'unseen' }, 'Range'),
    Object.entries(RANGES).map(([name, it]) => h('label', {}, h('input', {
      type: 'radio', name: 'range', value: name, checked: name === range,
      onchange: () => act(async () => {
        range = name;
        await addUp(known.stats.total_calls);
        render();
      }),
    }), h('span', {}, it.name))));

  function chart() {
    const { names, values, labels } = sums;
    const amounts = values.map((it) => (pointed === null ? it.reduce((a, b) => a + b, 0) : it[pointed]));
    const all = amounts.reduce((a, b) => a + b, 0);
    return [
      h('p', { class: 'pointed' }, pointed === null ? `Last ${RANGES[sums.range].name}: ` : `${labels[pointed]}: `, h('strong', {}, usd(all))),
      legend(names, amounts),
      h('div', { class: 'chart', 'data-own': true, 'data-key': 'chart' }),
      h('details', {}, h('summary', {}, 'The same as a table'), table({
        caption: `Spend for each ${RANGES[sums.range].unit.toLowerCase()}; those without any are left out`,
        columns: [
          { name: RANGES[sums.range].unit, cell: (i) => labels[i] },
          ...names.map((name, n) => ({ name, number: true, cell: (i) => usd(values[n][i]) })),
        ],
        rows: labels.map((_, i) => i).filter((i) => values.some((it) => it[i] > 0)).reverse(),
        key: (i) => labels[i],
      })),
    ];
  }

  watch(EVERY_MS, look, signal);
}

const hour = () => Math.floor(Date.now() / 1_000 / HOUR);

/// For each tier one sum for each column, the newest last.
function columns(range, groups, tiers) {
  const last = Math.floor(Date.now() / 1_000 / range.step) * range.step;
  const times = Array.from({ length: range.columns }, (_, i) => last - (range.columns - 1 - i) * range.step);
  const keys = times.map((it) => range.key(new Date(it * 1_000).toISOString()));
  // A tier that is no longer configured has spent all the same.
  const names = [...new Set([...tiers, ...Object.keys(groups).map((it) => it.split(',')[1])])];
  return {
    names,
    times,
    step: range.step,
    labels: keys.map((it) => (it.length > 10 ? it.replace('T', ', ') + ':00' : it)),
    values: names.map((name) => keys.map((it) => groups[`${it},${name}`]?.cost ?? 0)),
  };
}

function byTier(tiers, calls) {
  const rows = tiers.map((it) => {
    const own = calls.filter((call) => call.tier === it.state.tier);
    const took = own.filter((call) => call.success).map((call) => call.elapsed_seconds);
    return { ...it, calls: own.length, failed: own.filter((call) => !call.success).length, half: quantile(took, 0.5), most: quantile(took, 0.95) };
  });
  return table({
    caption: `Latency and failures are those of the newest ${plural(calls.length, 'call')}`,
    columns: [
      { name: 'Tier', cell: (it) => it.state.tier },
      { name: 'State', cell: (it) => state(it.state.phase) },
      { name: 'Spent today', number: true, cell: (it) => usd(it.spent_today_usd) },
      { name: 'Calls', number: true, cell: (it) => count(it.calls) },
      { name: 'Failed', number: true, cell: (it) => count(it.failed) },
      { name: 'Median', number: true, cell: (it) => (it.half === null ? '–' : seconds(it.half)) },
      { name: '95th percentile', number: true, cell: (it) => (it.most === null ? '–' : seconds(it.most)) },
    ],
    rows,
    key: (it) => it.state.tier,
  });
}

const newest = (calls) => table({
  caption: `The newest ${plural(calls.length, 'line')} of the ledger`,
  columns: [
    { name: 'Task', cell: (it) => taskLink(it.task_id, it.prompt_preview || it.task_id) },
    { name: 'Purpose', minor: true, cell: (it) => it.purpose },
    { name: 'Tier', cell: (it) => it.tier },
    { name: 'Outcome', cell: (it) => state(it.outcome) },
    { name: 'Took', number: true, cell: (it) => seconds(it.elapsed_seconds) },
    { name: 'Tokens in, out', number: true, minor: true, cell: (it) => `${count(it.input_tokens)}, ${count(it.output_tokens)}` },
    { name: 'Cost', number: true, cell: (it) => usd(it.estimated_cost_usd) },
    { name: 'Ended', cell: (it) => at(it.timestamp) },
  ],
  rows: calls,
  key: (it) => it.call_id + it.timestamp,
});
