// One task: what was asked, what was decided, what happens, what came of it.

import { call, follow, get } from '../api.js';
import { ask, h, table } from '../dom.js';
import { count, duration, plural, seconds, usd, words } from '../format.js';
import { at, labels, loading, nothing, section, state, tile } from '../parts.js';
import { watch } from '../watch.js';

const EVERY_MS = 5_000;
const ENDS = ['succeeded', 'failed', 'cancelled', 'expired', 'set_aside'];

/// What there is to say of an event beside its name.
const DETAILS = {
  accepted: (it) => `${it.priority} priority`,
  classifying: (it) => `${it.tier} is asked which tier can do it`,
  routed: (it) => `to ${it.tier}: ${it.reason}${it.decided_by ? ` (${it.decided_by})` : ''}`,
  declined: (it) => [it.tier, it.outcome, it.message ?? it.reason].filter(Boolean).join(': '),
  waiting: (it) => [it.tier && `for ${it.tier}`, it.reason].filter(Boolean).join(': '),
  started: (it) => `${it.purpose} by ${it.tier}, attempt ${it.attempt}`,
  call_ended: (it) => `${words(it.outcome)}, ${usd(it.cost_usd ?? 0)}`,
};

export function task({ show, named, id, say, act, signal }) {
  named('Task');
  show(loading());
  const happened = [];
  let known = null;
  let coming = ''; // what there is of the answer before it is one

  async function look() {
    try {
      const before = known?.status;
      known = await get(`/tasks/${encodeURIComponent(id)}`, {}, signal);
      if (before && before !== known.status && ENDS.includes(known.status)) {
        say(`The task is over: ${words(known.status)}.`);
      }
    } catch (e) {
      if (e.status !== 404) {
        throw e;
      }
      if (known === null) {
        show(nothing('No task has this id yet, or your key does not open it: ', h('span', { class: 'id' }, id)));
      }
      return;
    }
    render();
  }

  function render() {
    const { result, calls } = known;
    const ended = ENDS.includes(known.status);
    const spent = calls.reduce((sum, it) => sum + (it.cost_usd ?? 0), 0);
    show(
      h('div', { class: 'head' },
        h('p', { class: 'id' }, id),
        h('div', { class: 'buttons' },
          !ended && h('button', { type: 'button', onclick: cancel }, 'Cancel this task…'),
          known.status === 'set_aside' && h('a', { class: 'button', href: '#/dead-letters' }, 'To the dead letters'))),
      h('dl', { class: 'tiles' },
        tile('State', state(known.status), known.waits_until ? ['until ', at(known.waits_until)] : simulated(result)),
        tile('Tier', known.tier ?? '–', result?.resolved_model),
        tile('Cost', usd(result?.total_cost_usd ?? spent), plural(calls.length, 'call')),
        tile('Took', known.ended_at ? seconds((Date.parse(known.ended_at) - Date.parse(known.created_at)) / 1_000) : ended ? '–' : duration((Date.now() - Date.parse(known.created_at)) / 1_000),
          result?.output_tokens === undefined ? null : `${count(result.input_tokens)} tokens in, ${count(result.output_tokens)} out`)),
      h('div', { class: 'halves' },
        h('div', {},
          section('Prompt', text(known.task), labels(known.labels)),
          section(result?.error ? 'Why there is no result' : 'Result', outcome(result, ended, coming)),
          known.decision && section('Decision', decision(known.decision))),
        section('What happened', events())),
      section('Calls', calls.length === 0 ? nothing('None yet.') : callTable(calls)));
  }

  const events = () => (happened.length === 0 ? loading() : h('ol', { class: 'events' }, happened.map((it) =>
    h('li', { 'data-key': it.id }, at(it.at), h('div', {}, h('strong', {}, words(it.event)), h('p', {}, DETAILS[it.event]?.(it.data ?? {})))))));

  /// A task that was set aside may be sent on again, so that is not the last that is heard of it.
  function heard(event) {
    if (!happened.some((it) => it.id === event.id)) {
      happened.push(event);
    }
    if (known) {
      render();
    }
    if (event.event !== 'accepted') {
      again();
    }
    return ENDS.includes(event.event) && event.event !== 'set_aside';
  }

  function read({ at: before, text: more }) {
    coming = before === 0 ? more : (coming || '…') + more;
    if (known && !known.result) {
      render();
    }
  }

  const cancel = () => act(async () => {
    const sure = await ask({
      title: 'Cancel this task?',
      content: h('p', {}, 'It is not called any more. A call under way is ended, and costs what it has cost.'),
      action: 'Cancel the task',
      danger: true,
    });
    if (sure !== null) {
      const { status } = await call('DELETE', `/tasks/${encodeURIComponent(id)}`);
      say(`The task is ${words(status)}.`);
      await look();
    }
  });

  const again = watch(EVERY_MS, look, signal);
  follow(id, heard, read, signal);
}

const simulated = (result) => result?.simulated && 'simulated: made up, and not paid';

const text = (value) => (value ? h('pre', { class: 'card', tabindex: '0' }, value) : nothing('Not kept.'));

function outcome(result, ended, coming) {
  if (!result && coming && !ended) {
    return [text(coming), h('p', { class: 'hint' }, 'It is still coming.')];
  }
  if (!result) {
    return nothing(ended ? 'There is none.' : 'Not yet.');
  }
  return [
    result.error && h('pre', { class: 'card bad', tabindex: '0' }, result.error),
    result.result && text(result.result),
    result.structured_output !== undefined && [h('h3', {}, 'As JSON'), text(JSON.stringify(result.structured_output, null, 2))],
    result.truncated && h('p', { class: 'hint' }, 'The end is cut off: it was too long.'),
    result.tried.length > 0 && [h('h3', {}, 'Tried before'), h('ul', {}, result.tried.map((it) => h('li', {}, `${it.tier}: ${words(it.outcome)}`, it.message && `, ${it.message}`)))],
  ];
}

const decision = (it) => h('p', { class: 'card' }, h('strong', {}, it.tier), `, with ${it.confidence} confidence: ${it.reason}`,
  h('br'), h('span', { class: 'more' }, `Decided by: ${it.decided_by}; that cost ${usd(it.cost_usd)}.`));

const callTable = (calls) => table({
  caption: plural(calls.length, 'call'),
  columns: [
    { name: 'Call', cell: (it) => h('span', { class: 'id' }, it.call_id.split('/').at(-1)) },
    { name: 'Purpose', minor: true, cell: (it) => it.purpose },
    { name: 'Tier', cell: (it) => it.tier },
    { name: 'Attempt', number: true, minor: true, cell: (it) => count(it.attempt) },
    { name: 'Outcome', cell: (it) => state(it.outcome) },
    { name: 'Cost', number: true, cell: (it) => (it.cost_usd === undefined ? '–' : usd(it.cost_usd)) },
    { name: 'Granted', cell: (it) => at(it.granted_at) },
    { name: 'Worker', cell: (it) => h('span', { class: 'id' }, it.worker) },
  ],
  rows: calls,
  key: (it) => it.call_id,
});
