// The results as a table to sort and filter.

const COLUMNS = [
  { key: "feature", title: "Feature", text: true },
  { key: "segment", title: "Segment", text: true },
  { key: "window", title: "Window", text: true },
  { key: "severity", title: "Drifted" },
  { key: "n", title: "Rows", format: num },
  { key: "psi", title: "PSI", format: num },
  { key: "wasserstein_iqr", title: "Shift, IQR", format: num },
  { key: "ks", title: "KS", format: num },
  { key: "chi2", title: "χ²", format: num },
  { key: "missing_rate", title: "Missing", format: pct },
  { key: "new_category_rate", title: "New", format: pct },
  { key: "p_adjusted", title: "adjusted p", format: pValue, down: true },
  { key: "p_value", title: "p", format: pValue, down: true },
  { key: "p_iid", title: "iid p", format: pValue, down: true },
  { key: "coverage", title: "Coverage", format: pct },
  { key: "status", title: "Status", text: true },
];
const PAGE = 100;

function cellsFor(report, rows) {
  const { S, F, W, column } = report;
  const absent = report.statuses.indexOf("absent");
  const cells = [];
  for (let pair = 0; pair < S * F; pair++) {
    let chosen = -1;
    for (let cell = pair * W; cell < (pair + 1) * W; cell++) {
      if (column.status[cell] === absent) continue;
      if (rows === "all") cells.push(cell);
      else if (rows === "latest" || chosen < 0 || !(column.severity[cell] <= column.severity[chosen])) {
        if (rows === "latest" || chosen < 0 || Number.isFinite(column.severity[cell])) chosen = cell;
      }
    }
    if (rows !== "all" && chosen >= 0) cells.push(chosen);
  }
  return cells;
}

function resultTable(box, report, filters, sort, limit, { onSort, onMore, onPick }) {
  const { F, W, column } = report;
  const place = (cell) => ({ s: Math.floor(cell / (F * W)), f: Math.floor(cell / W) % F, w: cell % W });
  const keep = cellsFor(report, filters.rows).filter((cell) => {
    const { s, f } = place(cell);
    return (filters.segment === "" || s === Number(filters.segment)) && (filters.feature === "" || f === Number(filters.feature))
      && (filters.status === "" || column.status[cell] === Number(filters.status))
      && (filters.drifted === "" || (column.judged[cell] && column.drifted[cell] === Number(filters.drifted)));
  });
  const value = {
    feature: (cell) => place(cell).f, segment: (cell) => place(cell).s, window: (cell) => place(cell).w, status: (cell) => column.status[cell],
  }[sort.key] || ((cell) => column[sort.key][cell]);
  // What is not there goes last, whichever way the column is sorted.
  keep.sort((a, b) => {
    const x = value(a), y = value(b);
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
    return (sort.up ? x - y : y - x) || a - b;
  });
  const head = el("tr", {}, ...COLUMNS.map(({ key, title, text, down }) => {
    const sorted = key === sort.key ? (sort.up !== Boolean(down) ? "ascending" : "descending") : null;
    return el("th", { scope: "col", class: text ? "text" : "", "aria-sort": sorted }, el("button", { type: "button", onclick: () => onSort(key, Boolean(text)) }, title));
  }));
  const body = keep.slice(0, limit).map((cell) => {
    const { s, f, w } = place(cell);
    const status = report.statuses[column.status[cell]];
    const words = {
      feature: report.features[f], segment: segmentName(report.segments[s]), window: windowText(report.starts[w], report.ends[w]), status,
    };
    return el("tr", { onclick: () => onPick(s, f, w) }, ...COLUMNS.map(({ key, text, format }) => {
      if (key === "severity") return el("td", {}, !column.judged[cell] ? "–" : column.drifted[cell] ? el("span", { class: "yes" }, "yes") : "no");
      return el("td", { class: text ? "text" : "", title: text ? words[key] : null }, text ? words[key] : format(column[key][cell]));
    }));
  });
  box.replaceChildren(el("table", {}, el("thead", {}, head), el("tbody", {}, ...body)));
  if (keep.length > limit) box.append(el("button", { type: "button", class: "more", onclick: onMore }, `Show ${Math.min(PAGE, keep.length - limit)} more`));
  return { shown: Math.min(limit, keep.length), matching: keep.length };
}
