"use strict";

const element = (id) => document.getElementById(id);
const seconds = (time) => Math.floor(Date.parse(time) / 1000);
const clock = (time) => time ? time.slice(0, 16).replace("T", " ") + " UTC" : "–";
const percent = (value) => value === null ? "–" : (value * 100).toFixed(1) + "\u00a0%";

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${(await answer.json()).error.message}`);
  return answer.json();
}

// --- charts

const dark = matchMedia("(prefers-color-scheme: dark)");

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue("--" + name).trim();
}

function look() {
  const colour = colours();
  return {
    layout: { background: { color: "transparent" }, textColor: colour("ink") },
    grid: { vertLines: { color: colour("line") }, horzLines: { color: colour("line") } },
    timeScale: { timeVisible: true, secondsVisible: false, borderColor: colour("line") },
    // As wide as each other, so that a minute stands at the same place in both.
    rightPriceScale: { borderColor: colour("line"), minimumWidth: 84 },
    autoSize: true,
  };
}

const charts = ["candles", "probability"].map((id) => LightweightCharts.createChart(element(id), look()));
// The library lays its parts out in tables, which hold no data.
for (const table of document.querySelectorAll(".chart table")) table.setAttribute("role", "presentation");
const candleSeries = charts[0].addCandlestickSeries();
const lineOptions = {
  lastValueVisible: false, priceLineVisible: false,
  priceFormat: { type: "custom", minMove: 0.0001, formatter: (value) => (value * 100).toFixed(1) + " %" },
};
/** Has no value: it gives the lower chart the minutes of the upper one, which it follows. */
const frame = charts[1].addLineSeries(lineOptions);

/** An area from `low` to `high` a minute; where these are not known there is none. */
class Band {
  defaultOptions() {
    return { ...LightweightCharts.customSeriesDefaultOptions, ...lineOptions };
  }

  priceValueBuilder({ low, high }) {
    return [low, high, (low + high) / 2];
  }

  isWhitespace({ low }) {
    return low === undefined;
  }

  update(data, options) {
    [this.data, this.options] = [data, options];
  }

  renderer() {
    return { draw: (target, place) => target.useBitmapCoordinateSpace((scope) => this.draw(scope, place)) };
  }

  draw({ context, horizontalPixelRatio: across, verticalPixelRatio: down }, place) {
    const { bars, barSpacing, visibleRange } = this.data ?? {};
    if (!visibleRange) return;
    context.save();
    context.globalAlpha = 0.2;
    context.fillStyle = this.options.color;
    for (const { x, originalData } of bars.slice(visibleRange.from, visibleRange.to)) {
      const [left, right] = [x - barSpacing / 2, x + barSpacing / 2].map((edge) => Math.round(edge * across));
      const [top, bottom] = [originalData.high, originalData.low].map((value) => place(value) * down);
      context.fillRect(left, top, right - left, Math.max(1, bottom - top));
    }
    context.restore();
  }
}

/** Beneath the lines. */
const band = charts[1].addCustomSeries(new Band());
const lines = new Map();

charts[1].applyOptions({
  handleScroll: false, handleScale: false, timeScale: { shiftVisibleRangeOnNewBar: false },
});
charts[0].timeScale().subscribeVisibleLogicalRangeChange((range) => {
  if (range) charts[1].timeScale().setVisibleLogicalRange(range);
});

function paint() {
  const colour = colours();
  for (const chart of charts) chart.applyOptions(look());
  // Rising candles are hollow, so that they differ from falling ones without colour too.
  candleSeries.applyOptions({
    upColor: colour("panel"), borderUpColor: colour("up"), wickUpColor: colour("up"),
    downColor: colour("down"), borderDownColor: colour("down"), wickDownColor: colour("down"),
  });
  for (const [model, line] of lines) line.applyOptions({ color: lineColour(model) });
  band.applyOptions({ color: colour("ink") });
}

const lineColour = (model) => colours()(model === "Baseline" ? "quiet" : "ink");

dark.addEventListener("change", () => {
  paint();
  drawMarkers();
  drawReliability();
});
paint();

const bar = (candle) => ({
  time: seconds(candle.open_time), open: +candle.open, high: +candle.high, low: +candle.low, close: +candle.close,
});

// --- candles

let series = "";
/** What a price is in, as far as the symbol's name tells. */
const unit = () => series.match(/(USDT|USDC|USD|EUR|BTC)$/)?.[1] ?? "";
const inUnit = (price) => price === null || price === undefined ? "not known" : `${price.toFixed(2)}\u00a0${unit()}`.trim();
/** Prices of the newest minutes by open time, in seconds. */
const prices = new Map();

async function loadCandles() {
  const listing = await ask("v1/candles?limit=240");
  const isNew = listing.series !== series;
  series = listing.series;
  element("series").textContent = series;
  element("beat-unit").textContent = unit() && `(${unit()})`;
  element("candles-unit").textContent = unit() ? `in ${unit()}, times in UTC` : "times in UTC";
  element("label").hidden = !series.startsWith("sim-");
  element("label").textContent = "simulated data";
  const bars = listing.rows.map(bar);
  prices.clear();
  for (const one of bars) prices.set(one.time, one);
  candleSeries.setData(bars);
  // Points of minutes that are gone would be painted at places that are not theirs.
  for (const line of [band, ...lines.values()]) line.setData([]);
  frame.setData(bars.map(({ time }) => ({ time })));
  if (element("target").value) drawProbabilities();
  if (isNew && bars.length) {
    const shown = innerWidth < 700 ? 60 : 150;
    charts[0].timeScale().setVisibleLogicalRange({ from: bars.length - shown, to: bars.length + 4 });
  }
  showWindows();
}

function takeCandle(data) {
  if (data.series !== series) return;
  const one = bar(data.candle);
  prices.set(one.time, one);
  try {
    candleSeries.update(one);
    frame.update({ time: one.time });
  } catch {
    loadCandles().catch(() => {});
  }
  showWindows();
  loadFeaturesSoon();
}

// --- predictions

const newest = new Map();
/** What came true, by target and time of the decision. */
const outcomes = new Map();
let history = [];

/** What was said and what came true of the chosen target, as far as the candles reach. */
async function loadHistory() {
  const target = element("target").value;
  if (!target || !prices.size) return;
  const from = (Math.min(...prices.keys()) + 60) * 1000;
  const rows = await pages(`v1/predictions?target=${target}&mode=live`, from);
  for (const one of await pages(`v1/outcomes?target=${target}`, from)) outcomes.set(target + " " + one.time, one.outcome);
  history = rows;
  drawProbabilities();
  drawMarkers();
}

async function pages(path, from) {
  const rows = [];
  for (let page = 0; page < 4 && from; page += 1) {
    const listing = await ask(`${path}&limit=1000&from=${from}`);
    rows.push(...listing.rows);
    from = listing.next;
  }
  return rows;
}

function takePrediction(row) {
  if (row.mode !== "live") return;
  newest.set(row.target + " " + row.model, row);
  if (row.target === element("target").value) {
    history.push(row);
    if (history.length > 4000) history.splice(0, 1000);
  }
  show();
}

function takeOutcome(one) {
  outcomes.set(one.target + " " + one.time, one.outcome);
  show();
}

/** A line of a table; what is a number with its unit stays in one piece. */
function row(cells) {
  const line = document.createElement("tr");
  for (const content of cells) {
    const cell = line.insertCell();
    cell.append(content);
    if (/^-?[\d.]+(\s\S+)?$/.test(content)) cell.className = "number";
  }
  return line;
}

let isShowing = false;

/** At most once a frame: what is said between candles comes faster than anybody reads. */
function show() {
  if (isShowing) return;
  isShowing = true;
  requestAnimationFrame(() => {
    isShowing = false;
    tellPredictions();
    showNext();
    showWindows();
    drawProbabilities();
    drawMarkers();
  });
}

/** Of each target a part of the table, whose lines stay what they are while what they say changes. */
const groups = new Map();

function group(target) {
  if (groups.has(target)) return groups.get(target);
  const body = document.createElement("tbody");
  const head = document.createElement("th");
  const note = document.createElement("span");
  head.colSpan = 3;
  head.scope = "rowgroup";
  head.append(target + " ", note);
  body.insertRow().append(head);
  const made = { body, note, lines: new Map() };
  groups.set(target, made);
  const order = [...groups.keys()].sort();
  element("now").insertBefore(body, groups.get(order[order.indexOf(target) + 1])?.body ?? null);
  return made;
}

function line(own, target, model) {
  if (own.lines.has(model)) return own.lines.get(model);
  const made = row([explainer(target, model), "", ""]);
  own.lines.set(model, made);
  const order = [...own.lines.keys()].sort();
  own.body.insertBefore(made, own.lines.get(order[order.indexOf(model) + 1]) ?? null);
  return made;
}

const stateText = (one) => one.state + (one.reason ? `: ${one.reason}` : "");

/** What a prediction says, in its own unit. */
function saying(one) {
  if (one.change_percent !== null) return `${one.change_percent > 0 ? "+" : ""}${one.change_percent.toFixed(3)} % change`;
  return one.probability_up === null ? "nothing" : `${percent(one.probability_up)} up`;
}

function tellPredictions() {
  const rows = [...newest.values()];
  for (const target of new Set(rows.map((one) => one.target))) {
    const own = group(target);
    const said = rows.filter((one) => one.target === target);
    const states = new Set(said.map(stateText));
    // What holds for all of them is told once.
    own.note.textContent =
      `· ${clock(said.map((one) => one.time).sort().at(-1))}` + (states.size === 1 ? ` · ${stateText(said[0])}` : "");
    for (const one of said) {
      const cells = line(own, target, one.model).cells;
      cells[1].textContent = saying(one);
      cells[1].className = "number";
      cells[2].textContent = states.size === 1 ? "" : stateText(one);
    }
  }
  for (const [target, own] of groups) {
    for (const [model, made] of own.lines) {
      if (newest.has(target + " " + model)) continue;
      made.remove();
      own.lines.delete(model);
    }
    if (own.lines.size) continue;
    own.body.remove();
    groups.delete(target);
  }
  offerTargets(rows);
}

/** What was chosen last, which may not be on offer for a moment. */
let wanted = "";

function offerTargets(rows) {
  const menu = element("target");
  const targets =
    [...new Set(rows.map((one) => one.target))].filter((name) => /^(direction|window)-\d/.test(name)).sort();
  if (!targets.length || targets.join() === [...menu.options].map((option) => option.value).join()) return;
  const before = menu.value;
  menu.replaceChildren(...targets.map((name) => new Option(name, name)));
  if (targets.includes(wanted)) menu.value = wanted;
  if (menu.value !== before) showTarget();
}

/** A name that opens what lies behind a prediction. */
function explainer(target, model) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = model;
  button.setAttribute("aria-label", `${model}: explain ${target}`);
  button.addEventListener("click", () => explain(newest.get(target + " " + model)));
  return button;
}

/** What was said this moment may not be stored yet, nor be on the tape. */
async function askPatiently(path, times = 4) {
  try {
    return await ask(path);
  } catch (error) {
    if (times === 1 || !element("explanation").open) throw error;
    await new Promise((done) => setTimeout(done, 1000));
    return askPatiently(path, times - 1);
  }
}

async function explain(one) {
  element("explanation-title").textContent = `${one.target} at ${clock(one.time)}`;
  element("explanation-text").textContent = "reading …";
  element("contributions").replaceChildren();
  element("explanation").showModal();
  try {
    const told = await askPatiently(`v1/predictions/${encodeURIComponent(one.id)}/explain`);
    const models = told.models.map((answer) => `${answer.model} ${saying(answer)}`).join(", ");
    element("explanation-text").textContent =
      `${told.version ?? "No version; the baseline"} (${told.state}${told.reason ? ": " + told.reason : ""}). ${models}. ` +
      `Computed again from the ${told.source ? "tape" : "store"}: ${told.stored.verdict}. Price view ${told.view}.`;
    const values = new Map(told.inputs.map((input) => [input.name, input.value]));
    const parts = Object.entries(told.contributions).flatMap(([model, sum]) =>
      Object.entries(sum.inputs ?? sum).map(([name, adds]) => ({ model, name, adds })))
      .filter((part) => typeof part.adds === "number").sort((a, b) => Math.abs(b.adds) - Math.abs(a.adds));
    // What no tree has read adds nothing that could be told; then the inputs stand alone.
    const shown = parts.length ? parts.slice(0, 12) : told.inputs.map(({ name }) => ({ model: "–", name, adds: null }));
    element("contributions").replaceChildren(...shown.map((part) => row([
      part.model, part.name, values.has(part.name) ? shortNumber(values.get(part.name)) : "–", part.adds?.toFixed(4) ?? "–"])));
  } catch (error) {
    element("explanation-text").textContent = error.message;
  }
}

const shortNumber = (value) => value === null ? "not known" : Number(value.toPrecision(6)).toString();

async function loadFeatures() {
  const current = (await ask("v1/features")).current;
  element("features-note").textContent = current
    ? `of the minute that closed ${clock(current.time)}, ${current.age_seconds.toFixed(0)} s old by the market's clock; `
      + `prices and average ranges in ${unit() || "the market's unit"}, the rest are shares, logarithms and indices without one`
    : "no minute has closed yet";
  element("features").replaceChildren(...(current?.names ?? []).map((name, place) =>
    row([name, shortNumber(current.features[place])])));
}

let featuresAreDue = false;

/** At most once in two seconds: a simulated minute can be far shorter. */
function loadFeaturesSoon() {
  if (featuresAreDue) return;
  featuresAreDue = true;
  setTimeout(() => {
    featuresAreDue = false;
    loadFeatures().catch(() => {});
  }, 2000);
}

const styles = { Ensemble: [0, 3], ModelA: [1, 1], ModelB: [2, 1], ModelC: [3, 1], MLP: [4, 1], Baseline: [0, 1] };

function drawProbabilities() {
  const target = element("target").value;
  const models = new Map();
  for (const one of history) {
    if (one.target !== target || one.probability_up === null) continue;
    if (!models.has(one.model)) models.set(one.model, new Map());
    // A decision stands at the minute at whose close it was made.
    const time = seconds(one.time) - 60;
    if (prices.has(time)) models.get(one.model).set(time, one.probability_up);
  }
  for (const [model, line] of lines) if (!models.has(model)) { charts[1].removeSeries(line); lines.delete(model); }
  for (const [model, points] of models) {
    if (!lines.has(model)) {
      const [lineStyle, lineWidth] = styles[model] ?? [0, 1];
      lines.set(model, charts[1].addLineSeries({ ...lineOptions, color: lineColour(model), lineStyle, lineWidth }));
    }
    lines.get(model).setData([...points].sort((a, b) => a[0] - b[0]).map(([time, value]) => ({ time, value })));
  }
  drawBand(target);
  drawLegend(target, models);
}

/** Where the share lies that went up after probabilities like those that are believed. */
function drawBand(target) {
  const model = believed(target);
  const points = new Map();
  for (const one of history) {
    const time = seconds(one.time) - 60;
    if (one.target !== target || one.model !== model || !prices.has(time)) continue;
    const [low, high] = one.probability_interval ?? [];
    points.set(time, low === undefined ? { time } : { time, low, high });
  }
  band.setData([...points.values()].sort((a, b) => a.time - b.time));
  const now = newest.get(`${target} ${model}`)?.probability_interval;
  element("band-now").textContent = now ? `${percent(now[0])} to ${percent(now[1])}` : "not known yet";
  element("band-model").textContent = model;
}

/** How each line looks, and where it is now. */
function drawLegend(target, models) {
  const items = [...models.keys()].sort((a, b) => (styles[b]?.[1] ?? 1) - (styles[a]?.[1] ?? 1) || a.localeCompare(b));
  element("legend").replaceChildren(...items.map((model) => {
    const [style, width] = styles[model] ?? [0, 1];
    const item = document.createElement("li");
    const sample = svgNode("svg", { viewBox: "0 0 30 8", "aria-hidden": "true" });
    sample.append(svgNode("line", {
      x1: 0, x2: 30, y1: 4, y2: 4, stroke: lineColour(model), "stroke-width": width,
      "stroke-dasharray": ["", "1 2", "4 3", "8 5", "1 6"][style],
    }));
    item.append(sample, `${model} ${percent(newest.get(target + " " + model)?.probability_up ?? null)}`);
    return item;
  }));
  if (!items.length) element("legend").textContent = "nothing is predicted for this target yet";
}

function svgNode(name, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

/** Whom the page believes: the ensemble, or who answers where there is none. */
function believed(target) {
  const rows = history.filter((one) => one.target === target && one.probability_up !== null);
  return rows.some((one) => one.model === "Ensemble") ? "Ensemble" : "Baseline";
}

function drawMarkers() {
  const target = element("target").value;
  const model = believed(target);
  const colour = colours();
  const markers = new Map();
  for (const one of history) {
    if (one.target !== target || one.model !== model || one.probability_up === null) continue;
    const time = seconds(one.time) - 60;
    if (!prices.has(time)) continue;
    const up = one.direction === "UP";
    const outcome = outcomes.get(one.target + " " + one.time);
    const position = up ? "belowBar" : "aboveBar";
    if (outcome === undefined) {
      markers.set(time, { time, position, shape: up ? "arrowUp" : "arrowDown", color: colour("quiet"), size: 0.6 });
    } else if ((outcome >= 0.5) === up) {
      markers.set(time, { time, position, shape: "circle", color: colour("up"), size: 0.6 });
    } else {
      markers.set(time, { time, position, shape: "square", color: colour("down"), size: 0.6 });
    }
  }
  candleSeries.setMarkers([...markers.values()].sort((a, b) => a.time - b.time));
  element("markers").textContent = target
    ? `${target} by ${model}: ▲ under a candle says up, ▼ over it down, as long as the outcome is not known; ` +
      "then ● was right and ■ was wrong. A click on a candle explains it."
    : "";
}

function showTarget() {
  loadHistory().catch(() => {});
  loadSkill().catch(() => {});
}

charts[0].subscribeClick((event) => {
  const target = element("target").value;
  const model = believed(target);
  const one = history.findLast((row) => row.model === model && seconds(row.time) - 60 === event.time);
  if (one) explain(one);
});

element("target").addEventListener("change", () => {
  wanted = element("target").value;
  showTarget();
});

// --- windows

function showWindows() {
  const last = Math.max(...prices.keys());
  if (!prices.size) return;
  const said = [...newest.values()].filter((one) => one.target.startsWith("window-")).map((one) => seconds(one.time));
  const now = Math.max(last + 60, ...said);
  const settles = series.startsWith("chainlink:");
  const name = series.split(":")[0].replace(/^sim-/, "");
  const venue = name.charAt(0).toUpperCase() + name.slice(1);
  element("window-note").textContent =
    (settles ? "Chainlink price, which settles" : `${venue} price, not the settlement price`) +
    `: ${inUnit(newestPrice(last, settles))}`;
  const lines = [5, 15].map((minutes) => {
    const start = Math.floor(now / (minutes * 60)) * minutes * 60;
    const end = start + minutes * 60;
    // Between closes the windows that are not over are spoken of.
    const made = [`window-open-${minutes}m`, `window-${minutes}m`]
      .flatMap((target) => [newest.get(target + " Ensemble"), newest.get(target + " Baseline")]).filter(Boolean);
    const fits = (one) => one.probability_up !== null && seconds(one.time) >= start && seconds(one.time) < end;
    const left = Math.round(end - now);
    return row([
      `${minutes} min`, new Date(end * 1000).toISOString().slice(11, 16),
      `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} min`,
      prices.get(start - 60)?.close.toFixed(2) ?? "not known", windowText(made[0], made.find(fits)),
    ]);
  });
  element("windows").replaceChildren(...lines);
}

/** The close of the newest minute, or what was paid after it; trades of an exchange do not tell an oracle's price. */
function newestPrice(minute, isOracle) {
  const said = isOracle ? undefined : newest.get("move-60s Baseline");
  const isLater = said?.current_price > 0 && seconds(said.time) >= minute + 60;
  return isLater ? said.current_price : prices.get(minute).close;
}

function windowText(any, made) {
  if (!any) return "not predicted";
  if (!made) return "not yet";
  const text = document.createElement("span");
  const model = document.createElement("small");
  model.textContent = `by ${made.model}`;
  text.append(percent(made.probability_up), model);
  return text;
}

/** What is said between candles: of its models the one that says most. */
function showNext() {
  const made = ["MLP", "Linear", "Baseline"].map((model) => newest.get("move-60s " + model)).filter(Boolean);
  const one = made.find((each) => each.state && !each.state.startsWith("abstain") && each.predicted_price !== null) ?? made[0];
  if (!one) return;
  const [low, high] = one.interval ?? [null, null];
  const range = low === null || high === null ? "not known" : `${low.toFixed(2)} to ${inUnit(high)}`;
  list("next", {
    "price now": inUnit(one.current_price),
    [`in ${one.prediction_horizon_seconds} s`]: `${inUnit(one.predicted_price)} (${one.model})`,
    "four of five times within": range, "probability of up": one.probability_up === null ? "not known" : percent(one.probability_up),
    confidence: percent(one.confidence), state: stateText(one),
    "inputs are": one.features_age_ms === null ? "not known" : `${one.features_age_ms} ms old (${one.source})`,
  });
}

function list(id, facts) {
  element(id).replaceChildren(...Object.entries(facts).flatMap(([name, value]) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = value;
    return [term, text];
  }));
}

// --- how good it has been

async function loadSkill() {
  const target = element("target").value;
  if (!target) return;
  const table = await ask(`v1/skill?target=${target}&hours=24`);
  element("skill").replaceChildren(...table.rows.map((one) => row([
    makerText(one), one.count, percent(one.accuracy),
    one.brier.toFixed(4), skillText(one),
  ])));
  const isShort = table.rows.some((one) => one.skill?.value !== null && one.skill?.low === null);
  element("skill-note").textContent =
    `${target}, live decisions of the last 24 hours, ${table.settled} with a known outcome` +
    (isShort ? "; an interval takes more than one day" : "");
  skill = table.rows;
  drawReliability();
}

function makerText(one) {
  const notes = [];
  if (one.state !== "fresh") notes.push(one.state);
  if (one.arm !== "main") notes.push(`${one.arm} ${one.version}`);
  return notes.length ? `${one.model} (${notes.join(", ")})` : one.model;
}

/** What was counted last. */
let skill = [];

function skillText(one) {
  if (one.model === "Baseline") return "baseline";
  if (!one.skill || one.skill.value === null) return "–";
  const value = percent(one.skill.value);
  return one.skill.low === null ? value : `${value} (${percent(one.skill.low)} to ${percent(one.skill.high)})`;
}

function drawReliability() {
  const shown = skill.find((one) => one.model === "Ensemble") ?? skill.find((one) => one.model === "Baseline");
  const bins = (shown?.reliability ?? []).filter((bin) => bin.count > 0);
  const picture = element("reliability");
  picture.replaceChildren();
  const draw = (name, attributes, text = "") => {
    const node = svgNode(name, attributes);
    node.textContent = text;
    picture.append(node);
  };
  const colour = colours();
  const place = (share) => 60 + share * 180;
  draw("rect", { x: 60, y: 10, width: 180, height: 180, fill: "none", stroke: colour("line") });
  draw("line", { x1: 60, y1: 190, x2: 240, y2: 10, stroke: colour("quiet"), "stroke-dasharray": "4 3" });
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  for (const bin of bins) {
    draw("circle", {
      cx: place(bin.mean_probability), cy: 190 - bin.up_share * 180, r: 3 + 5 * Math.sqrt(bin.count / most),
      fill: colour("ink"), "fill-opacity": 0.7,
    });
  }
  for (const share of [0, 0.5, 1]) {
    draw("text", { x: place(share), y: 204, "text-anchor": "middle" }, `${share * 100} %`);
    draw("text", { x: 55, y: 194 - share * 180, "text-anchor": "end" }, `${share * 100} %`);
  }
  draw("text", { x: 150, y: 219, "text-anchor": "middle" }, "said: probability of up");
  draw("text", { x: 12, y: 100, "text-anchor": "middle", transform: "rotate(-90 12 100)" }, "true: share that went up");
  element("reliability-text").textContent = shown && bins.length
    ? `Reliability of ${shown.model}: ` + bins.map((bin) =>
      `said ${percent(bin.mean_probability)}, was ${percent(bin.up_share)} (${bin.count})`).join("; ")
    : "No reliability yet: no outcome is known.";
}

// --- minutes, feed, events

async function loadMinutes() {
  const last = await ask("v1/candles?limit=1");
  const end = last.rows.length ? Date.parse(last.rows[0].open_time) + 60000 : Date.now();
  const start = end - 86400000;
  const ranges = (await ask(`v1/gaps?limit=1000&from=${start}&to=${end}`)).rows;
  const parts = [];
  let at = start;
  const add = (kind, until) => {
    const minutes = Math.round((Math.min(until, end) - at) / 60000);
    if (minutes > 0) parts.push({ kind, minutes });
    at = Math.max(at, Math.min(until, end));
  };
  const listing = await ask(`v1/candles?limit=1&from=${start}&to=${end}`);
  const first = listing.rows.length ? Date.parse(listing.rows[0].open_time) : end;
  const held = [...ranges.map((one) => ({ ...one, begin: Date.parse(one.from), finish: Date.parse(one.to) }))];
  if (first > start && !held.some((one) => one.begin <= start)) add("absent", first);
  for (const one of held) {
    add("live", one.begin);
    add(one.state === "patched" ? "patched" : "absent", one.finish);
  }
  add("live", end);
  const total = { live: 0, patched: 0, absent: 0 };
  for (const part of parts) total[part.kind] += part.minutes;
  element("minutes").replaceChildren(...parts.map((part) => {
    const piece = document.createElement("span");
    piece.className = part.kind;
    piece.style.width = part.minutes / 14.4 + "%";
    piece.title = `${part.minutes} minutes ${part.kind}`;
    return piece;
  }));
  element("minutes-text").textContent =
    `${total.live} came live or from an archive (solid), ${total.patched} were fetched afterwards (slanted), ` +
    `${total.absent} are absent (upright)`;
}

/** What happened, by what tells one from another, as it became known. */
const happened = new Map();
/** States may change at every moment, and do not hide what happens seldom. */
const mostEvents = { quality: 30, model: 20, state: 10 };

function keepEvent(one) {
  const key = one.kind === "quality" ? `${one.series} ${one.type} ${one.since}` : `${one.kind} ${one.time} ${one.message}`;
  // What was read of the store can be older than what was told meanwhile.
  if (happened.get(key)?.until && !one.until) return;
  happened.delete(key);
  happened.set(key, one);
}

/** What the store knows of what went wrong with the data; everything since is told. */
async function loadEvents() {
  const rows = (await ask("v1/quality?limit=20")).rows;
  for (const one of rows.reverse()) {
    keepEvent({
      kind: "quality", level: one.resolved_at ? "info" : "warning", time: one.resolved_at ?? one.created_at,
      series: one.series, type: one.type, since: one.created_at, until: one.resolved_at,
      candles_missing: one.candles_missing,
    });
  }
  showEvents();
}

function takeEvent(one) {
  keepEvent(one);
  showEvents();
}

function eventText(one) {
  if (one.kind !== "quality") return one.message;
  const missing = one.candles_missing ? `, ${one.candles_missing} min without a candle` : "";
  return `${one.type} in ${one.series}${missing}; ` + (one.until ? `from ${clock(one.since)}, is over` : "lasts");
}

function showEvents() {
  const all = [...happened].reverse().sort(([, a], [, b]) => Date.parse(b.time) - Date.parse(a.time));
  const left = { ...mostEvents };
  for (const [key, one] of all) if (left[one.kind]-- <= 0) happened.delete(key);
  element("events").replaceChildren(...all.filter(([key]) => happened.has(key)).map(([, one]) => row([
    one.time.slice(0, 19).replace("T", " ") + " UTC", one.level, one.kind, eventText(one),
  ])));
}

function latencyText() {
  const sorted = history.slice(-500).map((one) => one.latency_microseconds).sort((a, b) => a - b);
  if (!sorted.length) return "–";
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  return `${at(0.5)} µs (half of them), ${at(0.99)} µs (99 %)`;
}

function takeHealth(health) {
  const facts = {
    status: health.status, "running for": health.uptime_seconds + " s",
    "candles stored": health.candles_processed, database: health.database_connected ? "connected" : "not connected",
    venue: health.websocket_connected ? "connected" : "not connected", "newest candle": clock(health.last_candle_time),
    memory: health.memory_mb === null ? "–" : health.memory_mb + " MiB", "prediction takes": latencyText(),
  };
  list("feed", facts);
}

// --- what happens

const take = {
  candles: takeCandle, predictions: takePrediction, outcomes: takeOutcome, health: takeHealth, events: takeEvent,
};
const expected = new Map();

function heard(message) {
  if (message.type === "heartbeat" || !take[message.type]) return;
  const key = message.type + " " + message.symbol;
  const missed = expected.has(key) && message.sequence > expected.get(key);
  expected.set(key, message.sequence + 1);
  // The newest events of each kind are told to who joins, which leaves some out; no other part depends on them.
  if (missed && message.type !== "events") return load();
  take[message.type](message.data);
}

let again;

/** Everything anew; what cannot be had now is asked for again. */
async function load() {
  clearTimeout(again);
  try {
    await Promise.all([loadCandles().then(loadHistory), loadMinutes(), loadEvents(), loadFeatures(), loadSkill()]);
    if (isJoined) tellLink("live");
  } catch (error) {
    if (!isJoined) return;
    tellLink(`connected, but not all can be shown yet: ${error.message}`, true);
    again = setTimeout(load, 2000);
  }
}

function tellLink(text, isCutOff = false) {
  element("link").textContent = text;
  element("link").classList.toggle("cut-off", isCutOff);
}

let isJoined = false;
let pause = 500;

function join() {
  const socket = new WebSocket(new URL("ws", location.href.replace(/^http/, "ws")));
  let silence;
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => socket.close(), 40000);
  };
  socket.onopen = () => {
    [pause, isJoined] = [500, true];
    // It may be another process, with other models and another past.
    for (const known of [expected, newest, outcomes, happened]) known.clear();
    listen();
    load();
  };
  socket.onmessage = (event) => {
    listen();
    heard(JSON.parse(event.data));
  };
  socket.onclose = () => {
    clearTimeout(silence);
    if (isJoined || pause === 500) {
      const time = new Date().toISOString().slice(11, 19);
      tellLink(`⚠ cut off since ${time} UTC: what is shown is old; trying again …`, true);
    }
    isJoined = false;
    setTimeout(join, pause);
    pause = Math.min(pause * 2, 10000);
  };
}

setInterval(() => {
  for (const part of [loadMinutes, loadSkill, loadFeatures]) part().catch(() => {});
}, 15000);
// They are told as they happen; this finds what was not heard.
setInterval(() => loadEvents().catch(() => {}), 300000);
join();
