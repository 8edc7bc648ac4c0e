// Looks again and again, but only while somebody can see it, and says so when there is nothing to see.

import { Away, Problem } from './api.js';

const LONGEST_MS = 5_000;

let trouble = () => {};

/// @param tell takes what is wrong, or null when it is right again
export function onTrouble(tell) {
  trouble = tell;
}

/// Does the work now and then every so often, as long as the signal allows it. After a failure it tries again sooner or
/// later; whoever waits for that sees why.
///
/// @returns does the work out of turn
export function watch(everyMs, work, signal) {
  let timer;
  let failures = 0;
  let busy = false;
  let again = false;

  async function turn() {
    clearTimeout(timer);
    if (busy) {
      again = true;
      return;
    }
    if (document.hidden || signal.aborted) {
      return;
    }
    busy = true;
    try {
      await work();
      if (!signal.aborted) {
        failures = 0;
        trouble(null);
      }
    } catch (e) {
      if (!signal.aborted) {
        failures++;
        trouble(explain(e));
      }
    }
    busy = false;
    if (!signal.aborted) {
      timer = setTimeout(turn, again ? 0 : Math.min(everyMs * 2 ** Math.min(failures, 3), Math.max(everyMs, LONGEST_MS)));
      again = false;
    }
  }

  addEventListener('online', turn, { signal });
  document.addEventListener('visibilitychange', () => document.hidden || turn(), { signal });
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  turn();
  return turn;
}

/// In words that say what goes on and what it means.
export function explain(e) {
  if (e instanceof Away) {
    return 'The gateway does not answer. Trying again; what you see may be old.';
  }
  if (e instanceof Problem && e.status === 503) {
    return `The ledger is away: ${e.message}. Tasks are still accepted and wait. Trying again; what you see may be old.`;
  }
  if (e instanceof Problem && e.status === 403) {
    return 'Your key does not open this. “Forget key” lets you enter another one.';
  }
  if (e instanceof Problem) {
    return e.message;
  }
  console.error(e);
  return `Something went wrong here: ${e.message}`;
}
