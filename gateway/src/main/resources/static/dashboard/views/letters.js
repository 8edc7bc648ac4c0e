// What was set aside, by its cause; to be sent on again or left for good.

import { call, get } from '../api.js';
import { ask, field, h, select, table } from '../dom.js';
import { count, plural, usd } from '../format.js';
import { at, loading, nothing, taskLink } from '../parts.js';
import { watch } from '../watch.js';

const EVERY_MS = 5_000;
const SHOWN = 100;

export function letters({ show, named, say, act, query, signal }) {
  named('Dead letters');
  show(loading());
  const cause = query.get('cause');
  let tiers = [];

  async function look() {
    const found = await get('/dead-letters', { limit: SHOWN, cause }, signal);
    tiers = tiers.length > 0 ? tiers : (await get('/tiers', {}, signal)).tiers.map((it) => it.state.tier);
    const total = Object.values(found.by_cause).reduce((a, b) => a + b, 0);
    const shown = found.dead_letters;
    show(
      total === 0
        ? nothing('Nothing is set aside. A task comes here when no tier brings an answer; so does a message that is no task.')
        : [(cause !== null || Object.keys(found.by_cause).length > 1) && causes(found.by_cause, total), shown.length === 0 ? nothing('Nothing is set aside for this cause any more.') : list(shown)],
      shown.length === SHOWN && h('p', { class: 'hint' }, `The newest ${SHOWN} are shown.`));
  }

  const causes = (all, total) => h('nav', { class: 'causes', 'aria-label': 'Causes' }, h('ul', {},
    causeLink('All', total, null), Object.entries(all).sort((a, b) => b[1] - a[1]).map(([name, number]) => causeLink(name, number, name))));

  const causeLink = (text, number, name) => h('li', {}, h('a', {
    href: name === null ? '#/dead-letters' : `#/dead-letters?${new URLSearchParams({ cause: name })}`,
    'aria-current': (cause ?? null) === name && 'true',
  }, h('span', {}, text), ' ', h('strong', {}, count(number))));

  const list = (rows) => table({
    caption: plural(rows.length, 'dead letter'),
    columns: [
      { name: 'Task', cell: (it) => (isMessage(it) ? h('span', { class: 'id' }, it.id) : taskLink(it.id)) },
      { name: 'Reason', cell: (it) => h('span', { class: 'prose' }, it.reason) },
      { name: 'Tier', cell: (it) => it.tier ?? '–' },
      { name: 'Calls, cost', number: true, cell: (it) => `${count(it.calls.calls)}, ${usd(it.calls.cost)}` },
      { name: 'Replays', number: true, minor: true, cell: (it) => count(it.replays) },
      { name: 'Set aside', cell: (it) => at(it.at) },
      { name: 'What now', cell: (it) => h('span', { class: 'buttons' },
        h('button', { type: 'button', onclick: () => replay(it) }, 'Replay…', h('span', { class: 'unseen' }, ` ${it.id}`)),
        h('button', { type: 'button', class: 'quiet', onclick: () => discard(it) }, 'Discard…', h('span', { class: 'unseen' }, ` ${it.id}`))) },
    ],
    rows,
    key: (it) => it.id,
  });

  const replay = (letter) => act(async () => {
    const prompt = isMessage(letter) ? null : (await get(`/tasks/${encodeURIComponent(letter.id)}`)).task;
    const answer = await ask({
      title: 'Send it on again',
      content: [
        h('p', { class: 'prose' }, letter.reason),
        field('Tier', select('tier', [['', letter.tier ? 'As it was decided at first' : 'Let the router decide'], ...tiers.map((it) => [it, it])], '')),
        field('Prompt', h('textarea', { id: 'task', name: 'task', rows: 6 }, prompt), 'As it is, or put right.'),
      ],
      action: 'Replay',
    });
    if (answer === null) {
      return;
    }
    const body = {};
    if (answer.tier) {
      body.tier = answer.tier;
    }
    if (answer.task && answer.task !== prompt) {
      body.task = answer.task;
    }
    await call('POST', `/dead-letters/${encodeURIComponent(letter.id)}/replay`, { body });
    say(`${letter.id} is on its way again.`);
    await look();
  });

  const discard = (letter) => act(async () => {
    const answer = await ask({
      title: 'Discard it for good?',
      content: [
        h('p', {}, 'It leaves this list and can never be replayed. The journal and the ledger keep what happened and what it cost.'),
        h('p', { class: 'id' }, letter.id),
      ],
      action: 'Discard',
      danger: true,
    });
    if (answer === null) {
      return;
    }
    await call('DELETE', `/dead-letters/${encodeURIComponent(letter.id)}`);
    say(`${letter.id} is discarded.`);
    await look();
  });

  watch(EVERY_MS, look, signal);
}

/// One that was never a task, and that no task's page shows.
const isMessage = (letter) => letter.id.startsWith('message~');
