// Small pieces that several views show.

import { h } from './dom.js';
import { time, words } from './format.js';

const TONES = {
  succeeded: 'good', open: 'good', answered: 'good',
  running: 'busy', routed: 'busy', probing: 'busy',
  waiting: 'wait', paused: 'wait', limited: 'wait', expired: 'wait', overloaded: 'wait',
  failed: 'bad', set_aside: 'bad', unauthenticated: 'bad', crashed: 'bad', refused: 'bad', timed_out: 'bad',
  unreadable: 'bad', unknown: 'bad',
};

/// A state: its colour only repeats what its word says.
export const state = (name) => h('span', { class: `state ${TONES[name] ?? 'plain'}` }, words(name));

export const at = (value) => value ? h('time', { datetime: value }, time(value)) : '–';

export const taskLink = (id, text = id) => h('a', { href: `#/tasks/${encodeURIComponent(id)}`, class: 'clip' }, text);

export const labels = (all) => h('span', { class: 'labels' },
  Object.entries(all ?? {}).map(([name, value]) => h('span', { class: 'label' }, `${name}=${value}`)));

export const loading = () => h('p', { class: 'loading' }, 'Loading…');

export const nothing = (...text) => h('p', { class: 'nothing' }, text);

export const section = (title, ...content) => h('section', { 'data-key': title }, h('h2', {}, title), content);

export const tile = (name, value, more) => h('div', { class: 'tile' },
  h('dt', {}, name), h('dd', {}, h('span', { class: 'value' }, value), more && h('span', { class: 'more' }, more)));
