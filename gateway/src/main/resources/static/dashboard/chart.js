// Bars stacked by tier, over time. The library draws them; colours are the style sheet's.

import { h } from './dom.js';
import { usd } from './format.js';

const HEIGHT = 240;
const COLOURS = 8;
const dark = matchMedia('(prefers-color-scheme: dark)');

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/// Which colour a series has, the same in the legend and in the bars.
export const colourClass = (index) => `series-${index % COLOURS}`;

/// @param box where to draw
/// @param picked takes the index of the column under the pointer, or null
/// @returns draws `{ names, times, step, values }`: for each name one value for each time, in seconds
export function bars(box, picked, signal) {
  let chart;
  let data;

  function draw(fresh) {
    data = fresh;
    chart?.destroy();
    const { names, times, step, values } = data;
    const stacked = values.map((_, i) => times.map((_, at) =>
      values.slice(0, i + 1).reduce((sum, each) => sum + each[at], 0)));
    const text = colour('--text-soft');
    const axis = { stroke: text, grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false }, font: '12px system-ui' };
    chart = new uPlot({
      width: box.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      tzDate: (at) => uPlot.tzDate(new Date(at * 1_000), 'Etc/UTC'),
      scales: {
        x: { range: [times[0] - step / 2, times.at(-1) + step / 2] },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 60, size: 32, incrs: [3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 432_000, 604_800],
          values: (_, marks) => marks.map((at) => mark(at, step)) },
        { ...axis, size: 64, values: (_, marks) => marks.map((each) => (each === 0 ? '0' : short(each))) },
      ],
      // The whole stack first, so that each lower part covers what is its own.
      series: [{}, ...names.map((name, i) => ({
        label: name,
        fill: colour(`--${colourClass(i)}`),
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars({ size: [0.75, 48] }),
      })).reverse()],
      hooks: { setCursor: [(it) => picked(it.cursor.idx ?? null)] },
    }, [times, ...stacked.reverse()], box);
    chart.root.setAttribute('aria-hidden', 'true'); // the table beside it says the same
  }

  const again = () => data && draw(data);
  const size = new ResizeObserver(() => chart && chart.width !== box.clientWidth && again());
  size.observe(box);
  dark.addEventListener('change', again, { signal });
  signal.addEventListener('abort', () => {
    size.disconnect();
    chart?.destroy();
  }, { once: true });
  return draw;
}

function mark(at, step) {
  const date = new Date(at * 1_000);
  return step < 86_400 && date.getUTCHours() !== 0
    ? `${String(date.getUTCHours()).padStart(2, '0')}:00`
    : date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
}

const short = (amount) => `$${Number(amount.toPrecision(3))}`;

export const swatch = (index) => h('span', { class: `swatch ${colourClass(index)}`, 'aria-hidden': 'true' });

export const legend = (names, amounts) => h('ul', { class: 'legend' }, names.map((name, i) =>
  h('li', {}, swatch(i), `${name} `, h('strong', {}, usd(amounts[i])))));
