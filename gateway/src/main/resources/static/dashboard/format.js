// How amounts, times and states read.

/// Dollars with as many places as it takes to see something.
export function usd(amount) {
  const places = amount === 0 || amount >= 1 ? 2 : amount >= 0.01 ? 4 : 6;
  return `$${amount.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places })}`;
}

export const count = (number) => number.toLocaleString('en');

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export function seconds(value) {
  return value < 10 ? `${value.toFixed(2)} s` : value < 120 ? `${value.toFixed(0)} s` : duration(value);
}

/// `1 d 2 h`, `3 h 4 min`, `5 min 6 s`, `7 s`.
export function duration(value) {
  const units = [['d', 86_400], ['h', 3_600], ['min', 60], ['s', 1]];
  let rest = Math.max(0, Math.round(value));
  const first = units.findIndex(([, size]) => rest >= size);
  if (first < 0) {
    return '0 s';
  }
  return units.slice(first, first + 2).map(([name, size]) => {
    const number = Math.floor(rest / size);
    rest -= number * size;
    return number === 0 ? '' : `${number} ${name}`;
  }).filter(Boolean).join(' ');
}

export const until = (time) => duration((Date.parse(time) - Date.now()) / 1_000);

/// The time of day; with the date if it is another day.
export function time(value) {
  const at = new Date(value);
  const today = at.toDateString() === new Date().toDateString();
  return at.toLocaleString('en-GB', today
    ? { hour: '2-digit', minute: '2-digit', second: '2-digit' }
    : { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' });
}

export const words = (name) => name.replaceAll('_', ' ');

/// The value below which so much of them lies; null of nothing.
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
