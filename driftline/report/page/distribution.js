// The reference and one window, overlaid.

const BARS = 40;

// Shares are of all rows of each side, so bars, tails, missing, non-finite and invalid values add up to 1.
function sides(report, s, f, w) {
  const reference = report.reference.get(s * report.F + f);
  const cell = report.at(s, f, w);
  const bins = report.bins.get(cell);
  if (!reference || !bins) return null;
  const counts = Array.from(report.column.counts.subarray(bins.from, bins.from + bins.width), Number);
  const share = (values, apart) => {
    const total = values.reduce((a, b) => a + b, 0);
    return values.map((value) => (total ? (value / total) * Math.max(1 - apart, 0) : 0));
  };
  const rate = (name) => report.column[name][cell] || 0;
  return {
    axis: report.axes[reference.axis],
    before: share(reference.counts, reference.missing + reference.nonfinite + reference.invalid),
    now: share(counts, rate("missing_rate") + rate("nonfinite_rate") + rate("invalid_rate")),
    missing: [reference.missing, rate("missing_rate")],
    nonfinite: [reference.nonfinite, rate("nonfinite_rate")],
    invalid: [reference.invalid, rate("invalid_rate")],
  };
}

// Share of rows below each edge, and between edges by straight lines: bins are narrow where rows are many.
function cumulative(shares, edges) {
  const below = [];
  shares.slice(0, -1).reduce((sum, share) => { below.push(sum + share); return sum + share; }, 0);
  return (value) => {
    let low = 0, high = edges.length;
    while (low < high) { const middle = (low + high) >> 1; if (edges[middle] <= value) low = middle + 1; else high = middle; }
    if (low === 0) return 0;
    if (low === edges.length) return below[low - 1];
    const part = (value - edges[low - 1]) / (edges[low] - edges[low - 1]);
    return below[low - 1] + part * (below[low] - below[low - 1]);
  };
}

const same = (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a));

// The bin of one value is as wide as a float32 rounds it, that of 0 millionths of the way to the next value.
const oneValue = (a, b, range) => b - a <= 1e-6 * Math.max(Math.abs(a), Math.abs(b)) + 2e-6 * range;

// The step between neighbouring values of rounded data, 0 if there is none: bars that do not fit it show a comb.
function grainOf(edges) {
  const range = edges[edges.length - 1] - edges[0];
  const atoms = edges.flatMap((edge, i) => (i + 1 < edges.length && oneValue(edge, edges[i + 1], range) ? [(edge + edges[i + 1]) / 2] : []));
  const gaps = atoms.slice(1).map((atom, i) => atom - atoms[i]);
  if (gaps.length >= 3 && atoms.length * 4 > edges.length) return Math.min(...gaps);
  return edges.every((edge) => oneValue(...[edge, Math.round(edge)].sort((a, b) => a - b), 0)) ? 1 : 0;
}

// Equal-width bars between the outermost edges; what lies beyond is a bar of its own on either side.
function histogram({ axis: edges, before, now, missing, nonfinite, invalid }) {
  const low = edges[0], high = edges[edges.length - 1];
  const point = oneValue(low, high, 0);
  const grain = grainOf(edges);
  const step = grain ? grain * Math.max(1, Math.ceil((high - low) / grain / BARS)) : (high - low) / BARS;
  const from = low - grain / 2;
  const steps = point ? 1 : Math.ceil((high - from) / step - 1e-9);
  const at = Array.from({ length: steps + 1 }, (_, i) => from + i * step);
  const bars = (shares) => {
    const sum = cumulative(shares, edges);
    const inner = point ? [shares.slice(1, -1).reduce((a, b) => a + b, 0)] : at.slice(1).map((end, i) => sum(end) - (i ? sum(at[i]) : shares[0]));
    return [shares[0], ...inner, shares[shares.length - 1]];
  };
  const a = bars(before), b = bars(now);
  const last = a.length - 1;
  const apart = [
    { label: `< ${num(low)}`, shares: [a[0], b[0]], side: "left" },
    { label: `≥ ${num(high)}`, shares: [a[last], b[last]], side: "right" },
    { label: "missing", shares: missing, side: "right" },
    { label: "not finite", shares: nonfinite, side: "right" },
    { label: "invalid", shares: invalid, side: "right" },
  ].filter((each) => each.shares[0] + each.shares[1] > 0);
  return { at, low: at[0], high: at[steps], point, before: a.slice(1, -1), now: b.slice(1, -1), apart };
}

function drawHistogram(holder, parts) {
  const h = histogram(parts);
  const width = Math.max(holder.clientWidth, 240), height = 270;
  const slot = 46, top = 34, bottom = 38, left = 40;
  const lefts = h.apart.filter((each) => each.side === "left"), rights = h.apart.filter((each) => each.side === "right");
  const from = left + lefts.length * slot, to = width - rights.length * slot - 4;
  // A tail or missing bar may dwarf the others: it is cut and carries its number instead.
  const peak = Math.max(...h.before, ...h.now, ...h.apart.map((each) => each.shares[0]), 0.01) * 1.08;
  const y = (share) => top + (height - top - bottom) * (1 - Math.min(share / peak, 1));
  const x = (value) => (h.point ? from : from + ((value - h.low) / (h.high - h.low)) * (to - from));
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "histogram of the reference and the window" });
  for (const tick of numberTicks(0, peak, 4)) {
    picture.append(svg("line", { class: "grid", x1: left, x2: width - 4, y1: y(tick), y2: y(tick) }), svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, pct(tick)));
  }
  const rect = (kind, x0, x1, share) => svg("rect", { class: kind, x: x0, y: y(share), width: Math.max(x1 - x0, 0.5), height: height - bottom - y(share) });
  const edge = (i) => (h.point ? from + i * (to - from) : x(h.at[i]));
  h.before.forEach((share, i) => picture.append(rect("bar-reference", edge(i) + 0.5, edge(i + 1) - 0.5, share)));
  const outline = h.now.map((share, i) => `${i ? "L" : "M"}${edge(i)},${y(share)}L${edge(i + 1)},${y(share)}`).join("");
  const area = svg("path", { class: "bar-window", d: `${outline}L${edge(h.now.length)},${y(0)}L${edge(0)},${y(0)}Z` });
  area.style.opacity = ".18";
  picture.append(area, svg("path", { class: "line-window", d: outline }));
  const slots = [...lefts.map((each, i) => [each, left + i * slot]), ...rights.map((each, i) => [each, to + 4 + i * slot])];
  for (const [each, x0] of slots) {
    picture.append(
      rect("bar-reference", x0 + 8, x0 + 20, each.shares[0]),
      rect("bar-window", x0 + 22, x0 + 34, each.shares[1]),
      svg("text", { x: x0 + 21, y: height - bottom + 16, "text-anchor": "middle" }, each.label.length > 8 ? each.label.split(" ")[0] : each.label),
      each.label.length > 8 ? svg("text", { x: x0 + 21, y: height - bottom + 29, "text-anchor": "middle" }, each.label.split(" ").slice(1).join(" ")) : "",
      svg("text", { x: x0 + 21, y: y(Math.max(...each.shares)) - 17, "text-anchor": "middle" }, pct(each.shares[0])),
      svg("text", { class: "strong", x: x0 + 21, y: y(Math.max(...each.shares)) - 5, "text-anchor": "middle" }, pct(each.shares[1])),
    );
  }
  picture.append(svg("line", { class: "axis", x1: left, x2: width - 4, y1: y(0), y2: y(0) }));
  valueAxis(picture, h, x, from, to, height - bottom + 16, lefts.length ? from + 6 : from - 6);
  const cover = svg("rect", { class: "cover", x: from, y: 0, width: Math.max(to - from, 1), height });
  cover.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const along = ((event.clientX - box.left) * width) / box.width;
    const i = Math.max(h.before.findIndex((_, each) => along < edge(each + 1)), 0);
    const range = h.point ? num(h.low) : `${num(h.at[i])} to ${num(h.at[i + 1])}`;
    showTip(`${range}\nreference ${pct(h.before[i])}, window ${pct(h.now[i])}`, event.clientX, event.clientY);
  });
  cover.addEventListener("pointerleave", hideTip);
  picture.append(cover);
  holder.replaceChildren(picture);
}

// `free` is where the first label may begin: a tail's own label ends there.
function valueAxis(picture, { low, high, point }, x, from, to, y, free = from - 6) {
  if (point) {
    picture.append(svg("text", { x: (from + to) / 2, y, "text-anchor": "middle" }, `= ${num(low)}`));
    return;
  }
  for (const tick of numberTicks(low, high, Math.max((to - from) / 60, 2))) {
    const text = num(tick), half = text.length * 3.4;
    const at = Math.max(x(tick), free + half);
    if (at - x(tick) > 4 || at + half > to + 2) continue;
    picture.append(svg("text", { x: at, y, "text-anchor": "middle" }, text));
    free = at + half + 8;
  }
}

function drawCumulative(holder, { axis: edges, before, now }) {
  const present = (shares) => { const total = shares.reduce((a, b) => a + b, 0); return shares.map((share) => (total ? share / total : 0)); };
  const a = present(before), b = present(now);
  const width = Math.max(holder.clientWidth, 240), height = 270, top = 22, bottom = 38, left = 40, right = 10;
  const low = edges[0], high = edges[edges.length - 1];
  const x = (value) => left + (high > low ? ((value - low) / (high - low)) * (width - left - right) : 0);
  const y = (share) => top + (height - top - bottom) * (1 - share);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "cumulative distribution of the reference and the window" });
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    picture.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }), svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, pct(tick)));
  }
  let gap = { size: -1 };
  const path = (shares) => {
    let sum = 0;
    return edges.map((edge, i) => { sum += shares[i]; return `${i ? "L" : "M"}${x(edge)},${y(sum)}`; }).join("");
  };
  edges.reduce(([p, q], edge, i) => {
    const next = [p + a[i], q + b[i]];
    if (Math.abs(next[0] - next[1]) > gap.size) gap = { size: Math.abs(next[0] - next[1]), edge, from: next[0], to: next[1] };
    return next;
  }, [0, 0]);
  picture.append(svg("path", { class: "line-reference", d: path(a) }), svg("path", { class: "line-window", d: path(b) }));
  if (gap.size > 0) {
    const at = x(gap.edge), after = at > width * 0.7;
    picture.append(
      svg("line", { class: "now", x1: at, x2: at, y1: y(gap.from), y2: y(gap.to), "stroke-dasharray": "3 3" }),
      svg("text", { class: "strong", x: at + (after ? -6 : 6), y: y((gap.from + gap.to) / 2), "text-anchor": after ? "end" : "start" }, `gap ${num(gap.size)}`),
    );
  }
  valueAxis(picture, { low, high, point: high <= low }, x, left, width - right, height - bottom + 16);
  holder.replaceChildren(picture);
}

function drawCategories(holder, { axis, before, now, missing }, newRate, newNames) {
  const most = 12;
  const named = axis.map((name, i) => ({ name, shares: [before[i], now[i]] }));
  named.sort((a, b) => Math.max(...b.shares) - Math.max(...a.shares));
  const total = (list, side) => list.reduce((sum, each) => sum + each.shares[side], 0);
  const shown = named.slice(0, most), rest = named.slice(most);
  const lines = shown.map((each) => ({ ...each, name: each.name === "" ? "(empty)" : each.name }));
  if (rest.length) lines.push({ name: `${rest.length} more`, shares: [total(rest, 0), total(rest, 1)], apart: true });
  const other = [before[axis.length], now[axis.length]];
  if (other[0] + other[1] > 0) lines.push({ name: "other", shares: other, apart: true, title: "categories not counted apart, new ones among them" });
  if (missing[0] + missing[1] > 0) lines.push({ name: "missing", shares: missing, apart: true });
  const peak = Math.max(...lines.flatMap((each) => each.shares), 1e-9);
  const grid = el("div", { class: "categories" });
  for (const { name, shares, apart, title } of lines) {
    const bars = el("div", { class: "bars", "aria-hidden": "true" }, el("div"), el("div"));
    shares.forEach((share, side) => { bars.children[side].style.width = `${(100 * share) / peak}%`; });
    grid.append(el("span", { class: apart ? "name apart" : "name", title: title || name }, name), bars, el("span", { class: "share" }, `${pct(shares[0])} → `, el("b", {}, pct(shares[1]))));
  }
  holder.replaceChildren(grid);
  if (newRate > 0) holder.append(el("p", { class: "quiet" }, `New: ${pct(newRate)} of values are in categories the reference never saw${newNames.length ? `, most often ${newNames.join(", ")}` : ""}.`));
}
