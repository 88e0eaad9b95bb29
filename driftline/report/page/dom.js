// Elements, numbers and times. Text only ever enters the page as text, never as markup.

const byId = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function setOptions(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, text]) => el("option", { value }, text)));
  if (chosen !== undefined) select.value = String(chosen);
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const THREE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

function num(x) {
  if (!Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return x.toExponential(1);
  return size >= 1000 ? WHOLE.format(x) : THREE.format(x);
}

function pct(share) {
  if (!Number.isFinite(share)) return "–";
  if (share > 0 && share < 0.001) return "<0.1%";
  if (share < 1 && share > 0.999) return ">99.9%";
  const percent = share * 100;
  return `${percent >= 9.95 || percent === 0 ? percent.toFixed(0) : percent.toFixed(1)}%`;
}

// p-values travel as -log10 p.
function pValue(logarithm) {
  if (!Number.isFinite(logarithm)) return "–";
  if (logarithm >= 320) return "<1e-320";
  if (logarithm > 300) return `1e-${Math.round(logarithm)}`;
  return num(10 ** -logarithm);
}

const DAY = 86400000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (n) => String(n).padStart(2, "0");

function dayText(ms, year) {
  const at = new Date(ms);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}${year ? ` ${at.getUTCFullYear()}` : ""}`;
}

function clockText(ms) {
  const at = new Date(ms);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

function momentText(ms, year = true) {
  return ms % DAY === 0 ? dayText(ms, year) : `${dayText(ms, year)} ${clockText(ms)}`;
}

function windowText(start, end) {
  if (start % DAY === 0 && end % DAY === 0) {
    return end - start === DAY ? dayText(start, true) : `${dayText(start, false)} to ${dayText(end - 1, true)}`;
  }
  if (dayText(start, true) === dayText(end, true)) return `${momentText(start)}–${clockText(end)}`;
  return `${momentText(start, false)} to ${momentText(end)}`;
}

// Ticks on round times: at most `most` of them, the step chosen from what people count in.
function timeTicks(from, to, most) {
  const steps = [1, 5, 15, 30, 60, 180, 360, 720].map((m) => m * 60000);
  steps.push(DAY, 2 * DAY, 7 * DAY, 14 * DAY);
  const step = steps.find((each) => (to - from) / each <= most);
  const ticks = [];
  if (step) {
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      ticks.push({ at, text: step < DAY && at % DAY !== 0 ? clockText(at) : dayText(at, false) });
    }
    return ticks;
  }
  const months = (to - from) / (30.4 * DAY);
  const every = [1, 2, 3, 6, 12, 24, 60, 120].find((each) => months / each <= most) || 240;
  const start = new Date(from);
  for (let month = Math.ceil((start.getUTCMonth() + (start.getUTCDate() > 1 ? 1 : 0)) / every) * every; ; month += every) {
    const at = Date.UTC(start.getUTCFullYear(), month, 1);
    if (at > to) return ticks;
    const when = new Date(at);
    const january = when.getUTCMonth() === 0;
    if (at >= from) ticks.push({ at, text: january ? String(when.getUTCFullYear()) : MONTHS[when.getUTCMonth()] });
  }
}

function numberTicks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((each) => each >= rough * 0.999) || rough;
  const ticks = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) ticks.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return ticks;
}

function showTip(text, x, y) {
  const tip = byId("tip");
  if (tip.textContent !== text) tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = Math.min(Math.max(x + 14, 12), window.innerWidth - box.width - 12);
  const below = y + 18 + box.height < window.innerHeight;
  tip.style.left = `${Math.max(left, 12)}px`;
  tip.style.top = `${below ? y + 18 : Math.max(y - box.height - 14, 8)}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}
