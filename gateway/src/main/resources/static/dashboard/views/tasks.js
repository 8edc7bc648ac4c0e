// Tasks, newest first, in pages. Filters and page are in the address, so that they can be kept and sent on.

import { get, search } from '../api.js';
import { field, h, select, show as put, table } from '../dom.js';
import { count, plural, usd } from '../format.js';
import { at, labels, loading, nothing, state, taskLink } from '../parts.js';
import { explain, watch } from '../watch.js';

const EVERY_MS = 4_000;
const PAGE = 25;
const STATES = ['queued', 'routed', 'waiting', 'running', 'succeeded', 'failed', 'cancelled', 'expired', 'set_aside'];

export function tasks({ show, named, query, signal, act }) {
  named('Tasks');
  const wanted = Object.fromEntries(query);
  const filtered = ['state', 'tier', 'label', 'text'].some((it) => wanted[it]);
  const list = h('div', { class: 'list', 'aria-busy': 'true' }, loading());
  const tier = select('tier', [['', 'Any'], ...(wanted.tier ? [[wanted.tier, wanted.tier]] : [])], wanted.tier ?? '');
  const form = h('form', { class: 'filters', role: 'search', 'aria-label': 'Tasks', onsubmit: (event) => {
    event.preventDefault();
    location.hash = `#/tasks${search(Object.fromEntries(new FormData(form)))}`;
  } },
    field('State', select('state', [['', 'Any'], ...STATES.map((it) => [it, it.replace('_', ' ')])], wanted.state ?? '')),
    field('Tier', tier),
    field('Label', h('input', { id: 'label', name: 'label', value: wanted.label, placeholder: 'team=red', pattern: '[^=]+=.*', title: 'name=value', autocomplete: 'off' })),
    field('Text', h('input', { id: 'text', name: 'text', value: wanted.text, type: 'search', placeholder: 'in the prompt' })),
    h('div', { class: 'buttons' }, h('button', { type: 'submit' }, 'Filter'), filtered && h('a', { href: '#/tasks', class: 'button quiet' }, 'Clear')));
  show(form, list);

  async function look() {
    const page = await get('/tasks', { limit: PAGE, ...wanted }, signal).catch((e) => {
      if (e.status === 422) {
        put(list, nothing(explain(e)));
      }
      throw e;
    });
    list.removeAttribute('aria-busy');
    put(list,
      page.tasks.length > 0 ? found(page.tasks)
        : filtered ? nothing('No task passes this filter.')
          : wanted.cursor ? nothing('There are no older ones.')
            : nothing('No tasks yet. ', h('a', { href: '#/submit' }, 'Submit the first.')),
      h('nav', { class: 'pages', 'aria-label': 'Pages' },
        wanted.cursor && h('a', { class: 'button', href: `#/tasks${search({ ...wanted, cursor: '' })}` }, 'Newest'),
        page.next && page.tasks.length === PAGE && h('a', { class: 'button', href: `#/tasks${search({ ...wanted, cursor: page.next })}` }, 'Older')));
  }

  act(async () => {
    for (const { state: { tier: name } } of (await get('/tiers', {}, signal)).tiers) {
      if (name !== wanted.tier) {
        tier.append(h('option', { value: name }, name));
      }
    }
  });
  watch(EVERY_MS, look, signal);
}

const found = (rows) => table({
  caption: `${plural(rows.length, 'task')}, newest first`,
  columns: [
    { name: 'Prompt', cell: (it) => [taskLink(it.id, it.preview || it.id), labels(it.labels)] },
    { name: 'State', cell: (it) => state(it.status) },
    { name: 'Tier', cell: (it) => it.tier ?? '–' },
    { name: 'Calls', number: true, cell: (it) => count(it.calls) },
    { name: 'Cost', number: true, cell: (it) => usd(it.cost_usd) },
    { name: 'Accepted', cell: (it) => at(it.created_at) },
  ],
  rows,
  key: (it) => it.id,
});
