// One small chart of a statistic over the windows.

const MARGIN = { left: 44, right: 10, top: 12, bottom: 22 };

// values: one number a window (NaN leaves a gap); bands: [{low, high, inner}]; levels: [{at, text, kind}];
// others: further lines, [{values, kind}]; marks: changes, [{at, until, from, text}] in event time, the bar on it
// from `from`, else `at`; waiting, alarmed: windows to shade; whole: ticks at whole numbers only.
function lineChart(box, { title, starts, ends, values, bands = [], levels = [], others = [], marks = [], waiting = [], alarmed = [], whole = false, label, drifted = [], selected, format = num, exact = format, floor = 0, pick, tip }) {
  const W = starts.length;
  const limit = levels.find((each) => each.kind === "threshold");
  const shown = exact(values[selected]) + (limit ? `, ${limit.name || "threshold"} ${format(limit.at)}` : "");
  const heading = el("p", { class: "chart-title" }, el("span", {}, title), el("span", { class: "value" }, shown));
  const holder = el("div");
  box.replaceChildren(heading, holder);
  const width = Math.max(holder.clientWidth, 200), height = 150;
  const inside = { w: width - MARGIN.left - MARGIN.right, h: height - MARGIN.top - MARGIN.bottom };

  const scale = verticalScale([...values, ...others.flatMap((each) => [...each.values])], bands, levels, floor);
  const y = (value) => MARGIN.top + inside.h * (1 - scale.place(value));
  const x = (w) => MARGIN.left + (inside.w * (w + 0.5)) / W;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label || `${title} over time` });

  for (const [kind, windows] of [["waiting", waiting], ["alarmed", alarmed]]) {
    for (const run of runs(W, (w) => windows[w])) {
      const from = MARGIN.left + (inside.w * run[0]) / W;
      picture.append(svg("rect", { class: kind, x: from, y: MARGIN.top, width: (inside.w * run.length) / W, height: inside.h }));
    }
  }
  for (const tick of scale.ticks.filter((each) => !whole || same(each, Math.round(each)))) {
    picture.append(
      svg("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(tick), y2: y(tick) }),
      svg("text", { x: MARGIN.left - 6, y: y(tick) + 4, "text-anchor": "end" }, format(tick)),
    );
  }
  let free = 0;
  for (const tick of timeTicks(starts[0], ends[W - 1], inside.w / 58)) {
    const at = MARGIN.left + (inside.w * positionOf(tick.at, starts)) / W;
    const half = tick.text.length * 3.3;
    const middle = Math.min(Math.max(at, MARGIN.left + half), width - half);
    if (middle - half < free) continue;
    free = middle + half + 6;
    picture.append(svg("text", { x: middle, y: height - 5, "text-anchor": "middle" }, tick.text));
  }
  for (const { low, high, inner } of bands) {
    for (const run of runs(W, (w) => Number.isFinite(low[w]) && Number.isFinite(high[w]))) {
      const there = run.map((w) => `${x(w)},${y(high[w])}`), back = run.map((w) => `${x(w)},${y(low[w])}`).reverse();
      picture.append(svg("polygon", { class: inner ? "band inner" : "band", points: [...there, ...back].join(" ") }));
    }
  }
  for (const { at, kind } of levels) {
    if (!Number.isFinite(at) || scale.place(at) > 1 || scale.place(at) < 0) continue;
    picture.append(svg("line", { class: kind, x1: MARGIN.left, x2: width - MARGIN.right, y1: y(at), y2: y(at) }));
  }
  for (const line of [...others, { values, kind: "" }]) {
    for (const run of runs(W, (w) => Number.isFinite(line.values[w]))) {
      const points = (run.length > 1 ? run : [run[0], run[0]]).map((w, i) => `${x(w) + (run.length > 1 ? 0 : i * 2 - 1)},${y(line.values[w])}`);
      picture.append(svg("polyline", { class: `series ${line.kind}`.trim(), points: points.join(" ") }));
    }
  }
  const along = (at) => MARGIN.left + (inside.w * Math.min(Math.max(placeOf(at, starts, ends), 0), W)) / W;
  let clear = 0;
  for (const { at, until, from = at, text } of marks) {
    const here = along(at), begin = along(from), to = Math.max(along(until), begin);
    picture.append(
      svg("rect", { class: "until", x: begin, y: MARGIN.top - 4, width: to - begin, height: 3 }),
      svg("line", { class: "change", x1: here, x2: here, y1: MARGIN.top - 4, y2: height - MARGIN.bottom }),
      svg("path", { class: "change", d: `M${here - 4},${MARGIN.top - 9}h8l-4,7z` }),
    );
    if (!text) continue;
    const wide = text.length * 6.2, left = Math.min(here + 4, width - MARGIN.right - wide);
    if (left < clear) continue;
    clear = left + wide + 6;
    picture.append(svg("text", { class: "strong", x: left, y: MARGIN.top + 10 }, text));
  }
  const radius = Math.min(Math.max(inside.w / W / 2, 1.4), 3);
  for (let w = 0; w < W; w++) {
    if (drifted[w] && Number.isFinite(values[w])) picture.append(svg("circle", { class: "hit", cx: x(w), cy: y(values[w]), r: radius }));
  }
  picture.append(svg("line", { class: "now", x1: x(selected), x2: x(selected), y1: MARGIN.top, y2: height - MARGIN.bottom }));
  const cover = svg("rect", { class: "cover", x: MARGIN.left, y: 0, width: inside.w, height });
  const place = (event) => {
    const edge = picture.getBoundingClientRect();
    const along = ((event.clientX - edge.left) * width) / edge.width - MARGIN.left;
    return Math.min(Math.max(Math.floor((along / inside.w) * W), 0), W - 1);
  };
  cover.addEventListener("pointermove", (event) => {
    const w = place(event);
    showTip(`${windowText(starts[w], ends[w])}\n${tip ? tip(w) : `${title}: ${format(values[w])}`}`, event.clientX, event.clientY);
  });
  cover.addEventListener("pointerleave", hideTip);
  cover.addEventListener("click", (event) => pick(place(event)));
  picture.append(cover);
  holder.replaceChildren(picture);
}

// Where an instant lies among the windows: within one by its share, between two at the edge.
function placeOf(at, starts, ends) {
  const w = positionOf(at + 1, starts) - 1;
  return w < 0 ? 0 : w + Math.min((at - starts[w]) / Math.max((starts[w + 1] || ends[w]) - starts[w], 1), 1);
}

function runs(length, holds) {
  const found = [];
  let open = null;
  for (let i = 0; i < length; i++) {
    if (!holds(i)) open = null;
    else if (open) open.push(i);
    else found.push((open = [i]));
  }
  return found;
}

// Linear, unless the peak would flatten the threshold: then logarithmic from a hundredth of it.
function verticalScale(values, bands, levels, floor) {
  const all = [...values, ...bands.flatMap((band) => [...band.low, ...band.high]), ...levels.filter((each) => each.always).map((each) => each.at)].filter(Number.isFinite);
  const threshold = levels.find((each) => each.kind === "threshold");
  let high = all.reduce((a, b) => Math.max(a, b), -Infinity);
  let low = floor === null ? all.reduce((a, b) => Math.min(a, b), Infinity) : floor;
  if (!Number.isFinite(high) || !Number.isFinite(low)) [low, high] = [floor ?? 0, (floor ?? 0) + 1];
  if (threshold && threshold.log && high > 12 * threshold.at) {
    const base = Math.log10(threshold.at / 100), span = Math.log10(high * 1.15) - base;
    const ticks = [];
    for (let power = Math.ceil(base); power <= base + span; power += Math.ceil(span / 4)) ticks.push(10 ** power);
    return { ticks, place: (value) => Math.max((Math.log10(Math.max(value, 1e-300)) - base) / span, 0) };
  }
  if (high <= low) high = low + (Math.abs(low) * 0.1 || 1);
  const room = (high - low) * 0.06;
  high += room;
  if (floor === null) low -= room;
  return { ticks: numberTicks(low, high, 4), place: (value) => (value - low) / (high - low) };
}
