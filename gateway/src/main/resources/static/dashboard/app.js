// Which view is shown, and what all views share: trouble, what was done, the key.

import { forgetKey, hasKey, whenKeyIsNeeded } from './api.js';
import { ask, field, h, show } from './dom.js';
import { explain, onTrouble } from './watch.js';
import { letters } from './views/letters.js';
import { live } from './views/live.js';
import { overview } from './views/overview.js';
import { submit } from './views/submit.js';
import { task } from './views/task.js';
import { tasks } from './views/tasks.js';

const SAID_FOR_MS = 6_000;
const VIEWS = { '': overview, live, tasks, submit, 'dead-letters': letters };

const main = document.querySelector('#main');
const trouble = document.querySelector('#trouble');
const said = document.querySelector('#said');
const forget = document.querySelector('#forget');
let leave = new AbortController();
let silence;
let arrived = false;

/// Tells what was done, to the eye and to a screen reader.
function say(text) {
  said.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => (said.textContent = ''), SAID_FOR_MS);
}

/// Does what somebody has asked for, and says if it cannot be done, unless he has gone on to another view meanwhile.
async function act(work) {
  try {
    await work();
  } catch (e) {
    if (e.name !== 'AbortError') {
      say(explain(e));
    }
  }
  if (document.activeElement === document.body) {
    main.querySelector('h1')?.focus(); // what had the focus is gone
  }
}

function tell(text) {
  trouble.hidden = text === null;
  if (text !== null && trouble.textContent !== text) {
    trouble.textContent = text;
  }
}

/// Addresses are `#/view`, `#/tasks/id` and `#/tasks?filter=…`.
function go() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, id] = path.split('/');
  const view = name === 'tasks' && id ? task : VIEWS[name];
  if (!view) {
    if (location.hash !== '#main') {
      location.hash = '#/';
    }
    return;
  }
  leave.abort();
  leave = new AbortController();
  tell(null);
  for (const link of document.querySelectorAll('nav a')) {
    link.toggleAttribute('aria-current', false);
    if (link.hash === (name ? `#/${name}` : '#/')) {
      link.setAttribute('aria-current', 'page');
    }
  }
  const title = h('h1', { tabindex: '-1' });
  const content = h('div', { class: 'view' });
  show(main);
  main.append(title, content);
  const named = (text) => {
    title.textContent = text;
    document.title = `${text} · Symbiont`;
  };
  view({
    show: (...children) => show(content, ...children),
    content,
    named,
    say,
    act,
    id: id && decoded(id),
    query: new URLSearchParams(query),
    signal: leave.signal,
  });
  if (arrived) {
    scrollTo(0, 0);
    if (!content.contains(document.activeElement)) {
      title.focus({ preventScroll: true });
    }
  }
  arrived = true;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // somebody has typed it
  }
}

whenKeyIsNeeded(async (wasWrong) => {
  let key = '';
  while (!key) {
    const answer = await ask({
      title: 'This gateway asks for a key',
      content: field('Key', h('input', {
        id: 'key', name: 'key', type: 'password', required: true, autocomplete: 'off', placeholder: 'sym_…', 'aria-invalid': wasWrong && 'true',
      }), wasWrong
        ? 'That key opens nothing: it is wrong, expired or revoked.'
        : 'Kept until you close this tab. ./symbiont keys create makes one; it takes read_all to look and operate to do everything.'),
      action: 'Use this key',
      dismissable: false,
    });
    key = answer?.key.trim() ?? '';
  }
  forget.hidden = false;
  return key;
});

forget.hidden = !hasKey();
forget.onclick = () => {
  forgetKey();
  location.reload();
};
document.querySelector('.skip').onclick = (event) => {
  event.preventDefault();
  main.focus();
};
onTrouble(tell);
addEventListener('hashchange', go);
go();
