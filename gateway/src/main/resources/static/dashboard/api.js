// The gateway's interface. Nothing else talks to it.

const KEY = 'symbiont-key';
const PATIENCE_MS = 20_000;
const AGAIN_AFTER_MS = 1_000;
const LONGEST_MS = 15_000;

/// What the gateway says is wrong: a problem document.
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `the gateway answered ${status}`);
    this.status = status;
    this.field = body.field;
  }
}

/// No answer at all.
export class Away extends Error {}

let asksForKey;
let asking = null;

/// @param ask asks for a key and promises it; it is told whether there was one that did not open
export function whenKeyIsNeeded(ask) {
  asksForKey = ask;
}

export const hasKey = () => sessionStorage.getItem(KEY) !== null;

export function forgetKey() {
  sessionStorage.removeItem(KEY);
}

/// JSON from the gateway; a `Problem` if it refuses, `Away` if it is not there.
export async function call(method, path, { body, headers, signal } = {}) {
  const response = await send(method, path, {
    headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
    patience: PATIENCE_MS,
  });
  return response.json();
}

export const get = (path, query = {}, signal) => call('GET', path + search(query), { signal });

export function search(query) {
  const some = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return some.length === 0 ? '' : `?${new URLSearchParams(some)}`;
}

async function send(method, path, request) {
  const { headers, body, signal, patience } = request;
  const key = sessionStorage.getItem(KEY);
  const ends = [signal, patience && AbortSignal.timeout(patience)].filter(Boolean);
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: key ? { ...headers, Authorization: `Bearer ${key}` } : headers,
      body,
      signal: AbortSignal.any(ends),
    });
  } catch (e) {
    if (signal?.aborted) {
      throw e;
    }
    throw new Away('The gateway does not answer.', { cause: e });
  }
  if (response.status === 401) {
    await newKey(key);
    return send(method, path, request);
  }
  if (!response.ok) {
    throw new Problem(response.status, await response.json().catch(() => ({})));
  }
  return response;
}

/// One question, however many requests wait for its answer.
function newKey(tried) {
  if (sessionStorage.getItem(KEY) !== tried) {
    return Promise.resolve(); // another request has got one meanwhile
  }
  asking ??= asksForKey(tried !== null).then((key) => {
    sessionStorage.setItem(KEY, key);
    asking = null;
  });
  return asking;
}

/// What happens to a task, as it happens, from its beginning on. Goes on where it was when the connection breaks, until
/// the signal says that nobody listens any more. EventSource would do that by itself, but sends no key.
///
/// @param heard takes each event; whether it is the last is what it returns
/// @param read takes each piece of an answer on its way, which is in no journal and has no id
export async function follow(id, heard, read, signal) {
  let last = '';
  let wait = AGAIN_AFTER_MS;
  while (!signal.aborted) {
    try {
      const response = await send('GET', `/tasks/${encodeURIComponent(id)}/events`, {
        headers: last ? { 'Last-Event-ID': last } : {},
        signal,
      });
      for await (const event of events(response.body)) {
        wait = AGAIN_AFTER_MS;
        if (!event.id) {
          read(event.data);
          continue;
        }
        last = event.id;
        if (heard(event.data)) {
          return;
        }
      }
    } catch {
      // Not there just now; or accepted a moment ago, and the ledger does not know it yet.
    }
    await pause(wait, signal);
    wait = Math.min(wait * 2, LONGEST_MS);
  }
}

async function* events(body) {
  let text = '';
  const pieces = body.pipeThrough(new TextDecoderStream()).getReader(); // not every browser can iterate over a stream
  for (let { value, done } = await pieces.read(); !done; ({ value, done } = await pieces.read())) {
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
      }));
      if (fields.data) {
        yield { id: fields.id, data: JSON.parse(fields.data) };
      }
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}

/// Good for the header `Idempotency-Key`. Not `randomUUID`, which only secure origins have.
export function once() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, '0')).join('');
}
