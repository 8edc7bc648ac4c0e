// A task to submit.

import { call, get, once, Problem } from '../api.js';
import { field, h, select } from '../dom.js';

export function submit({ show, named, say, act, signal }) {
  named('Submit a task');
  let key = once(); // stays the same while it is tried again, so that nothing is accepted twice
  const tier = select('force_tier', [['', 'Let the router decide']], '');
  const wrong = h('p', { id: 'wrong', class: 'wrong', role: 'alert' });
  const button = h('button', { type: 'submit', class: 'primary' }, 'Submit');
  const form = h('form', { class: 'card form', onsubmit: send, oninput: () => (key = once()) },
    field('Prompt', h('textarea', { id: 'task', name: 'task', rows: 6, required: true, placeholder: 'Summarize this email: …' })),
    h('div', { class: 'columns' },
      field('Tier', tier),
      field('Priority', select('priority', [['low', 'Low'], ['normal', 'Normal'], ['high', 'High']], 'normal')),
      field('At most, in US dollars', h('input', { id: 'max_cost_usd', name: 'max_cost_usd', type: 'number', min: '0', step: 'any', inputmode: 'decimal' }))),
    h('details', {}, h('summary', {}, 'More'),
      field('System prompt', h('textarea', { id: 'system', name: 'system', rows: 3 })),
      field('Labels', h('textarea', { id: 'labels', name: 'labels', rows: 2, placeholder: 'team=red' }), 'One name=value on each line.'),
      field('Deadline', h('input', { id: 'deadline', name: 'deadline', type: 'datetime-local' }), 'Not called after this moment, in your own time zone.'),
      h('div', { class: 'tick' },
        h('input', { id: 'allow_fallback', name: 'allow_fallback', type: 'checkbox', checked: true }),
        h('label', { for: 'allow_fallback' }, 'Another tier may answer when this one cannot'))),
    wrong,
    h('div', { class: 'buttons' }, button));
  show(form);
  form.querySelector('textarea').focus({ preventScroll: true });

  async function send(event) {
    event.preventDefault();
    wrong.textContent = '';
    button.disabled = true;
    try {
      const { id } = await call('POST', '/queue', { body: read(new FormData(form)), headers: { 'Idempotency-Key': key } });
      say('The task is accepted.');
      location.hash = `#/tasks/${encodeURIComponent(id)}`;
    } catch (e) {
      refused(e);
    } finally {
      button.disabled = false;
    }
  }

  function refused(e) {
    wrong.textContent = e instanceof Problem && e.status !== 503 ? e.message : `Not accepted: ${e.message} Submit again: the same task is accepted only once.`;
    const input = form.elements[e.field?.split('.')[0]] ?? null;
    for (const each of form.elements) {
      each.removeAttribute('aria-invalid');
    }
    if (input) {
      input.closest('details')?.setAttribute('open', '');
      input.setAttribute('aria-invalid', 'true');
      input.focus();
    }
  }

  act(async () => tier.append(...(await get('/tiers', {}, signal)).tiers.map((it) => h('option', { value: it.state.tier }, it.state.tier))));
}

/// What was filled in; what was not is left to the gateway's defaults.
function read(data) {
  const task = { task: data.get('task'), priority: data.get('priority') };
  for (const name of ['force_tier', 'system']) {
    if (data.get(name)) {
      task[name] = data.get(name);
    }
  }
  if (data.get('max_cost_usd')) {
    task.max_cost_usd = Number(data.get('max_cost_usd'));
  }
  if (data.get('deadline')) {
    task.deadline = new Date(data.get('deadline')).toISOString();
  }
  if (!data.has('allow_fallback')) {
    task.allow_fallback = false;
  }
  const lines = data.get('labels').split('\n').map((it) => it.trim()).filter(Boolean);
  if (lines.length > 0) {
    task.labels = Object.fromEntries(lines.map((line) => {
      const [name, ...value] = line.split('=');
      return [name.trim(), value.join('=').trim()];
    }));
  }
  return task;
}
