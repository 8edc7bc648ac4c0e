// Makes elements, and brings a page up to date without making it anew. Text only ever becomes text nodes, so nothing that
// a task says can become markup.

const HANDLERS = ['onclick', 'onsubmit', 'onchange', 'oninput', 'onclose'];

/// An element. Attributes that are null, undefined or false are left out; true is an empty one; handlers become properties.
/// Children are nodes, text, numbers, or lists of these; null and false are nothing.
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (HANDLERS.includes(key)) {
      element[key] = value;
    } else {
      element.setAttribute(key, value === true ? '' : String(value));
    }
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false);
}

/// Makes the children of an element what they should be and keeps those that are the same already: focus, selection and
/// scroll position stay. Elements with `data-key` are found again wherever they were; what is inside one with `data-own` is
/// left to whoever made it.
export function show(parent, ...children) {
  const fresh = document.createElement('div');
  fresh.append(...nodes(children));
  showChildren(parent, fresh);
}

function showChildren(parent, fresh) {
  const keyed = new Map();
  for (const child of parent.children) {
    if (child.dataset.key) {
      keyed.set(child.dataset.key, child);
    }
  }
  let at = parent.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = wanted.dataset?.key;
    const old = key ? keyed.get(key) : at && !at.dataset?.key ? at : null;
    if (!old || old.nodeName !== wanted.nodeName) {
      parent.insertBefore(wanted, at);
      continue;
    }
    if (old === at) {
      at = at.nextSibling;
    } else {
      parent.insertBefore(old, at);
    }
    showOne(old, wanted);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function showOne(old, wanted) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== wanted.data) {
      old.data = wanted.data;
    }
    return;
  }
  // Whether it is folded out is the reader's to say.
  const kept = old.nodeName === 'DETAILS' ? 'open' : null;
  for (const { name } of [...old.attributes]) {
    if (!wanted.hasAttribute(name) && name !== kept) {
      old.removeAttribute(name);
    }
  }
  for (const { name, value } of wanted.attributes) {
    if (old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }
  for (const handler of HANDLERS) {
    old[handler] = wanted[handler];
  }
  if (!('own' in old.dataset)) {
    showChildren(old, wanted);
  }
}

/// A table whose rows become cards where there is no room for columns; the roles say that it is a table even then.
///
/// @param columns each with `name`, `cell(row)`, `number` if its cells are numbers, and `minor` if cards do without it
/// @param key finds a row again
export function table({ caption, columns, rows, key }) {
  return h('table', { role: 'table' },
    h('caption', {}, caption),
    h('thead', { role: 'rowgroup' },
      h('tr', { role: 'row' }, columns.map((column) =>
        h('th', { role: 'columnheader', scope: 'col', class: column.number && 'number' }, column.name)))),
    h('tbody', { role: 'rowgroup' }, rows.map((row) =>
      h('tr', { role: 'row', 'data-key': key(row) }, columns.map((column, i) =>
        h(i === 0 ? 'th' : 'td', {
          role: i === 0 ? 'rowheader' : 'cell',
          scope: i === 0 && 'row',
          class: [column.number && 'number', column.minor && 'minor'].filter(Boolean).join(' ') || null,
          'data-name': column.name,
        }, h('span', {}, column.cell(row))))))));
}

/// A field with its label and, below it, what it is for or what is wrong with it.
export function field(label, control, hint) {
  const id = control.id;
  if (hint) {
    control.setAttribute('aria-describedby', `${id}-hint`);
  }
  return h('div', { class: 'field' },
    h('label', { for: id }, label),
    control,
    hint && h('p', { id: `${id}-hint`, class: 'hint' }, hint));
}

export function select(id, options, chosen, more = {}) {
  const element = h('select', { id, name: id, ...more }, options.map(([value, text]) =>
    h('option', { value, selected: value === chosen }, text)));
  element.value = chosen ?? '';
  return element;
}

/// Asks in a dialog; its answer is a promise: what the form held, or null if it was closed without.
///
/// @param content what stands between title and buttons
/// @param danger whether what it does cannot be undone; the focus is on the other button then
export function ask({ title, content, action, danger = false, dismissable = true }) {
  return new Promise((resolve) => {
    const yes = h('button', { type: 'submit', value: 'yes', class: danger ? 'danger' : 'primary' }, action);
    const no = h('button', { type: 'button', onclick: () => dialog.close() }, 'Not now');
    let answer = null;
    const form = h('form', {
      onsubmit: (event) => {
        event.preventDefault();
        answer = Object.fromEntries(new FormData(form));
        dialog.close();
      },
    }, h('h2', { id: 'asked' }, title), content, h('div', { class: 'buttons' }, yes, dismissable && no));
    const dialog = h('dialog', {
      'aria-labelledby': 'asked',
      onclose: () => {
        dialog.remove();
        resolve(answer);
      },
    }, form);
    document.body.append(dialog);
    dialog.showModal();
    if (danger) {
      no.focus();
    }
  });
}
