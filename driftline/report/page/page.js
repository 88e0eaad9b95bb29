// Ties the parts together: what is chosen, and redrawing what depends on it.

function start(report, trends) {
  const { S, F, W } = report;
  const chosen = { ...report.start, view: "features", order: "name", drawn: "histogram" };
  const sort = { key: "severity", up: false };
  let limit = PAGE;

  const severityOf = (s, f, w) => {
    const cell = report.at(s, f, w);
    return report.column.drifted[cell] ? report.column.severity[cell] : (report.column.severity[cell] || 0) / 1e3;
  };

  function worstWindow(s, f) {
    let worst = -1;
    for (let w = 0; w < W; w++) {
      if (Number.isFinite(report.column.severity[report.at(s, f, w)]) && (worst < 0 || severityOf(s, f, w) > severityOf(s, f, worst))) worst = w;
    }
    return worst < 0 ? W - 1 : worst;
  }

  function drawMap() {
    const box = byId("map");
    const before = box.querySelector(".heat-scroll");
    const focused = before && before.contains(document.activeElement);
    const common = { starts: report.starts, ends: report.ends };
    const map = chosen.view === "features" ? featuresMap(box, common) : segmentsMap(box, common);
    if (before && before.dataset.view === chosen.view) map.scroll.scrollLeft = Number(before.dataset.left || before.scrollLeft);
    map.scroll.dataset.view = chosen.view;
    map.scroll.addEventListener("scroll", () => { map.scroll.dataset.left = map.scroll.scrollLeft; });
    if (focused) map.scroll.firstChild.focus({ preventScroll: true });
    byId("map-segment-label").hidden = chosen.view !== "features";
    heatLegend(byId("legend"), chosen.view === "segments");
  }

  const ordered = (count, weight) => {
    const order = Array.from({ length: count }, (_, i) => i);
    if (chosen.order === "name") return order;
    const weights = order.map(weight);
    return order.sort((a, b) => weights[b] - weights[a] || a - b);
  };
  const driftedWindows = (s, f) => {
    let sum = 0;
    for (let w = 0; w < W; w++) sum += report.column.drifted[report.at(s, f, w)];
    return sum;
  };

  function featuresMap(box, common) {
    const s = chosen.s;
    const order = ordered(F, (f) => driftedWindows(s, f));
    return heatMap(box, {
      ...common,
      rows: order.map((f) => ({ label: report.features[f], pressed: f === chosen.f })),
      cell: { r: order.indexOf(chosen.f), w: chosen.w },
      level: (r, w) => levelOf(report, report.at(s, order[r], w)),
      text: (r, w) => cellText(report, s, order[r], w),
      pick: (r, w) => choose({ f: order[r], w }),
      name: (r) => choose({ f: order[r], w: worstWindow(s, order[r]) }, true),
    });
  }

  function segmentsMap(box, common) {
    const count = (s, w) => {
      let judged = 0, drifted = 0, why = "absent", least = report.statuses.indexOf(why);
      for (let f = 0; f < F; f++) {
        const cell = report.at(s, f, w);
        if (report.column.status[cell] < least) [least, why] = [report.column.status[cell], whyNot(report, cell)];
        judged += report.column.judged[cell];
        drifted += report.column.drifted[cell];
      }
      return { judged, drifted, why };
    };
    const order = ordered(S, (s) => Array.from({ length: F }, (_, f) => driftedWindows(s, f)).reduce((a, b) => a + b, 0));
    const worstFeature = (s, w) => Array.from({ length: F }, (_, f) => f).reduce((a, b) => (severityOf(s, b, w) > severityOf(s, a, w) ? b : a));
    return heatMap(box, {
      ...common,
      rows: order.map((s) => ({ label: segmentName(report.segments[s]), pressed: s === chosen.s })),
      cell: { r: order.indexOf(chosen.s), w: chosen.w },
      level: (r, w) => {
        const { judged, drifted, why } = count(order[r], w);
        if (!judged) return why;
        const share = drifted / judged;
        return share === 0 ? 0 : share <= 0.1 ? 2 : share <= 0.3 ? 3 : share <= 0.6 ? 4 : 5;
      },
      text: (r, w) => {
        const { judged, drifted, why } = count(order[r], w);
        const say = judged ? `${drifted} of ${judged} judged features drifted` : `not judged: ${WHY_NOT_WORDS[why]}`;
        return `${segmentName(report.segments[order[r]])}\n${windowText(report.starts[w], report.ends[w])}\n${say}`;
      },
      pick: (r, w) => choose({ s: order[r], w, f: worstFeature(order[r], w) }),
      name: (r) => choose({ s: order[r], view: "features", w: worstWindow(order[r], chosen.f) }),
    });
  }

  function drawLines() {
    const { s, f } = chosen;
    const c = report.column;
    const from = report.at(s, f, 0);
    const series = (name) => c[name].subarray(from, from + W);
    const { thresholds } = report;
    const reference = report.reference.get(s * F + f);
    const numeric = report.kinds[f] === "numeric";
    const usual = (value) => (reference ? [{ at: value, kind: "normal" }] : []);
    const charts = [{ title: "PSI", values: series("psi"), levels: [{ at: thresholds.psi, kind: "threshold", log: true, always: true }] }];
    if (numeric) {
      charts.push(
        { title: "Wasserstein, in IQR", values: series("wasserstein_iqr"), levels: [{ at: thresholds.wasserstein_iqr, kind: "threshold", log: true, always: true }] },
        { title: "KS", values: series("ks") },
      );
    } else charts.push({ title: "New categories, share", values: series("new_category_rate"), format: pct });
    const level = -Math.log10(thresholds.alpha);
    charts.push(
      { title: "−log₁₀ adjusted p", values: series("p_adjusted"), levels: [{ at: level, kind: "threshold", always: true }], tip: (w) => `adjusted p: ${pValue(series("p_adjusted")[w])}` },
      { title: "Missing", values: series("missing_rate"), format: pct, levels: usual(reference ? reference.missing : NaN) },
    );
    if (series("invalid_rate").some((share) => share > 0)) {
      charts.push({ title: "Invalid", values: series("invalid_rate"), format: pct, levels: usual(reference ? reference.invalid : NaN) });
    }
    if (numeric) {
      charts.push({
        title: "Median, 25–75%, 5–95%", values: series("p50"), floor: null,
        bands: [{ low: series("p05"), high: series("p95") }, { low: series("p25"), high: series("p75"), inner: true }],
        levels: usual(reference ? reference.quantiles.p50 : NaN),
        tip: (w) => `median ${num(series("p50")[w])}\n25–75%: ${num(series("p25")[w])} to ${num(series("p75")[w])}\n5–95%: ${num(series("p05")[w])} to ${num(series("p95")[w])}`,
      });
    } else charts.push({ title: "Distinct categories", values: series("cardinality") }, { title: "Rows", values: series("n") });
    const boxes = charts.map(() => el("div", { class: "card" }));
    byId("lines").replaceChildren(...boxes);
    charts.forEach((chart, i) => lineChart(boxes[i], {
      starts: report.starts, ends: report.ends, drifted: c.drifted.subarray(from, from + W), selected: chosen.w, pick: (w) => choose({ w }), ...chart,
    }));
    if (trends) {
      const box = el("div", { class: "card wide" });
      byId("lines").append(box);
      drawTrend(box, trends, report, chosen, (w) => choose({ w }));
    }
  }

  function drawDistribution() {
    const { s, f, w } = chosen;
    const box = byId("distribution");
    const cell = report.at(s, f, w);
    const c = report.column;
    const numeric = report.kinds[f] === "numeric";
    const go = (to, label, hint) => el("button", { type: "button", title: hint, "aria-label": hint, disabled: to < 0 || to >= W, onclick: () => choose({ w: to }) }, label);
    const windows = el("select", { "aria-label": "Window", onchange: (event) => choose({ w: Number(event.target.value) }) });
    setOptions(windows, report.starts.map((at, i) => {
      const drifted = c.drifted[report.at(s, f, i)] ? `, drifted, PSI ${num(c.psi[report.at(s, f, i)])}` : "";
      return [i, `${windowText(at, report.ends[i])}${drifted}`];
    }), w);
    const title = el("p", { class: "chart-title" }, el("span", {}, "Reference and window"));
    if (numeric) {
      title.append(el("span", { class: "value" }, ...[["histogram", "Histogram"], ["cumulative", "Cumulative"]].map(([kind, label]) => el("button", { type: "button", "aria-pressed": String(chosen.drawn === kind), onclick: () => { chosen.drawn = kind; drawDistribution(); } }, label))));
    }
    const holder = el("div", { class: "picture" });
    const key = el("div", { class: "key" }, el("span", {}, el("i"), "reference"), el("span", {}, el("i", { class: "w" }), windowText(report.starts[w], report.ends[w])));
    const picker = el("div", { class: "picker" }, go(w - 1, "◀", "previous window"), windows, go(w + 1, "▶", "next window"), go(worstWindow(s, f), "Worst", "the worst window of this feature and segment"));
    box.replaceChildren(title, picker, key, holder, facts(cell, s, f));
    const changed = changePart(report, cell);
    if (changed) box.append(changed);
    const parts = sides(report, s, f, w);
    const reference = report.reference.get(s * F + f);
    if (!parts) {
      const status = report.statuses[c.status[cell]];
      holder.replaceChildren(el("p", { class: "quiet" }, !reference ? report.references.length ? "The baseline has no distribution for this feature and segment." : "This report was written without the baseline, so there are no distributions to compare." : status === "absent" || status === "no_data" ? `No distribution to show: ${WHY_NOT_WORDS[status]}.` : "To keep this page small, only some windows carry their distribution; this one does not. Its bin counts are in results.parquet."));
    } else if (!numeric) drawCategories(holder, parts, c.new_category_rate[cell], report.newCategories[cell] || []);
    else if (!parts.axis.length) holder.replaceChildren(el("p", { class: "quiet" }, "The reference has one bin only: there is no shape to draw."));
    else if (chosen.drawn === "histogram") drawHistogram(holder, parts);
    else drawCumulative(holder, parts);
  }

  function facts(cell, s, f) {
    const c = report.column;
    const reference = report.reference.get(s * F + f);
    const why = whyNot(report, cell);
    const pairs = [
      ["Decision", why ? `not judged: ${WHY_NOT_WORDS[why]}` : c.drifted[cell] ? "drifted" : "not drifted"],
      ["Rows", num(c.n[cell])],
      ["PSI", num(c.psi[cell])],
    ];
    if (report.kinds[f] === "numeric") {
      pairs.push(["Shift, IQR", num(c.wasserstein_iqr[cell])], ["KS", num(c.ks[cell])]);
      pairs.push(["Median", reference ? `${num(reference.quantiles.p50)} → ${num(c.p50[cell])}` : num(c.p50[cell])]);
    } else pairs.push(["Chi-square", num(c.chi2[cell])], ["Distinct", num(c.cardinality[cell])]);
    pairs.push(["Missing", reference ? `${pct(reference.missing)} → ${pct(c.missing_rate[cell])}` : pct(c.missing_rate[cell])]);
    const usualInvalid = reference ? reference.invalid : 0;
    if (usualInvalid > 0 || c.invalid_rate[cell] > 0) pairs.push(["Invalid", `${pct(usualInvalid)} → ${pct(c.invalid_rate[cell])}`]);
    pairs.push(["Adjusted p", pValue(c.p_adjusted[cell])], ["p if rows were independent", pValue(c.p_iid[cell])]);
    return el("dl", { class: "facts-line" }, ...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  }

  function drawTable() {
    const filters = { rows: byId("rows").value, segment: byId("filter-segment").value, feature: byId("filter-feature").value, drifted: byId("filter-drifted").value, status: byId("filter-status").value };
    const { shown, matching } = resultTable(byId("table"), report, filters, sort, limit, {
      onSort: (key, text) => {
        if (sort.key === key) sort.up = !sort.up;
        else Object.assign(sort, { key, up: text });
        limit = PAGE;
        drawTable();
      },
      onMore: () => { limit += PAGE; drawTable(); },
      onPick: (s, f, w) => choose({ s, f, w }, true),
    });
    byId("table-count").textContent = matching ? `${WHOLE.format(shown)} of ${WHOLE.format(matching)} rows shown` : "No row matches these filters.";
  }

  function drawDetail() {
    byId("detail-title").textContent = `${report.features[chosen.f]} in ${segmentName(report.segments[chosen.s])}`;
    byId("feature").value = chosen.f;
    byId("segment").value = byId("map-segment").value = chosen.s;
    byId("map-view").value = chosen.view;
    drawDistribution();
    drawLines();
  }

  function choose(change, reveal = false) {
    hideTip();
    Object.assign(chosen, change);
    const hash = new URLSearchParams({ segment: report.segments[chosen.s], feature: report.features[chosen.f], window: chosen.w });
    try { history.replaceState(null, "", `#${hash}`); } catch { /* a sandboxed frame may forbid it: only the address stays behind */ }
    drawMap();
    drawDetail();
    if (reveal) byId("detail").scrollIntoView({ block: "start" });
  }

  function fromAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const s = report.segments.indexOf(asked.get("segment")), f = report.features.indexOf(asked.get("feature"));
    if (s < 0 || f < 0) return false;
    const w = Number(asked.get("window"));
    Object.assign(chosen, { s, f, w: asked.has("window") && Number.isInteger(w) && w >= 0 && w < W ? w : worstWindow(s, f) });
    return true;
  }

  const segments = report.segments.map((segment, s) => [s, segmentName(segment)]);
  const features = report.features.map((feature, f) => [f, feature]);
  setOptions(byId("map-segment"), segments);
  setOptions(byId("segment"), segments);
  setOptions(byId("feature"), features);
  setOptions(byId("filter-segment"), [["", "any"], ...segments]);
  setOptions(byId("filter-feature"), [["", "any"], ...features]);
  setOptions(byId("filter-status"), [["", "any"], ...report.statuses.slice(0, -1).map((status, code) => [code, status])]);
  byId("map-view").addEventListener("change", (event) => choose({ view: event.target.value }));
  byId("map-order").addEventListener("change", (event) => choose({ order: event.target.value }));
  for (const id of ["map-segment", "segment"]) byId(id).addEventListener("change", (event) => choose({ s: Number(event.target.value) }));
  byId("feature").addEventListener("change", (event) => choose({ f: Number(event.target.value), w: worstWindow(chosen.s, Number(event.target.value)) }));
  for (const id of ["rows", "filter-segment", "filter-feature", "filter-drifted", "filter-status"]) byId(id).addEventListener("change", () => { limit = PAGE; drawTable(); });

  const redraw = () => { drawMap(); drawDetail(); };
  let width = window.innerWidth;
  window.addEventListener("resize", () => { if (window.innerWidth !== width) { width = window.innerWidth; redraw(); } });
  window.addEventListener("scroll", hideTip, { passive: true });
  window.addEventListener("hashchange", () => { if (fromAddress()) choose({}, true); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

  if (location.hash && fromAddress()) choose({}, true);
  else redraw();
  drawTable();
}

async function begin() {
  if (byId("performance-data")) startPerformance(await unpacked("performance-data"));
  const report = await loadReport();
  const trends = byId("trends-data") ? preparedTrends(await unpacked("trends-data")) : null;
  if (report.start) start(report, trends);
}

begin().catch((error) => {
  const problem = byId("problem");
  problem.textContent = `The charts could not be drawn in this browser (${error.message}). A browser of 2023 or later is needed: Chrome 80, Firefox 113, Safari 16.4.`;
  problem.hidden = false;
  for (const id of ["charts", "performance"]) if (byId(id)) byId(id).hidden = true;
});
