// What changed in one window: the words, and how far each component is from normal.

const COMPONENTS = ["shift", "spread", "skew", "tails"];

const changeWords = (report, cell) => report.changes[report.column.change[cell] - 1] || "";

function changePart(report, cell) {
  const words = changeWords(report, cell);
  const values = COMPONENTS.map((name) => (report.column[`component_${name}`] || [])[cell]);
  const some = values.some(Number.isFinite);
  if (!words && !some) return null;
  const part = el("div", { class: "changed" }, el("p", { class: "chart-title" }, el("span", {}, "What changed"), el("span", { class: "value" }, words || "nothing sticks out")));
  if (!some) return part;
  const most = Math.max(...values.filter(Number.isFinite).map(Math.abs), 2 * report.notable);
  const bars = el("div", { class: "components" });
  COMPONENTS.forEach((name, order) => {
    const value = values[order];
    if (!Number.isFinite(value)) return;
    const share = (50 * Math.abs(value)) / most;
    const bar = el("div", { class: Math.abs(value) >= report.notable ? "far" : "" });
    bar.style.width = `${share}%`;
    bar.style.marginLeft = `${value < 0 ? 50 - share : 50}%`;
    const limits = [-1, 1].map((side) => {
      const mark = el("i");
      mark.style.left = `${50 + (50 * side * report.notable) / most}%`;
      return mark;
    });
    bars.append(el("span", {}, name), el("div", { class: "side", "aria-hidden": "true" }, ...limits, bar), el("span", { class: "share" }, `${value > 0 ? "+" : value < 0 ? "−" : ""}${num(Math.abs(value))}`));
  });
  part.append(bars, el("p", { class: "quiet" }, `In standard deviations of normal windows; dotted at ${num(report.notable)}.`));
  return part;
}
